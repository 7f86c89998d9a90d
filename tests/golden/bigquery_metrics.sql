SELECT COALESCE(SUM(interactions), 0) AS interactions FROM `project.dataset.staging_abababababababababababababababababababababababababababababababab_0000000000000000`

BEGIN TRANSACTION;
DELETE FROM `project.dataset.interaction_metrics` WHERE batch_id = 'abababababababababababababababababababababababababababababababab';
DELETE FROM `project.dataset.batches` WHERE batch_id = 'abababababababababababababababababababababababababababababababab';
INSERT INTO `project.dataset.interaction_metrics` (batch_id, campaign_id, type, window_start, interactions, distinct_users, value)
SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.staging_abababababababababababababababababababababababababababababababab_0000000000000000`;
COMMIT TRANSACTION;

BEGIN TRANSACTION;
DELETE FROM `project.dataset.interaction_metrics` WHERE batch_id = 'abababababababababababababababababababababababababababababababab';
DELETE FROM `project.dataset.batches` WHERE batch_id = 'abababababababababababababababababababababababababababababababab';
INSERT INTO `project.dataset.interaction_metrics` (batch_id, campaign_id, type, window_start, interactions, distinct_users, value)
SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.staging_abababababababababababababababababababababababababababababababab_0000000000000000`;
INSERT INTO `project.dataset.batches` (batch_id, published_at, interactions)
VALUES ('abababababababababababababababababababababababababababababababab', CURRENT_TIMESTAMP(), 15);
COMMIT TRANSACTION;

SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value, b.published_at
FROM `project.dataset.interaction_metrics` AS m JOIN `project.dataset.batches` AS b ON b.batch_id = m.batch_id
