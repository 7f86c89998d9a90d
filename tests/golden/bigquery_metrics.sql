SELECT COALESCE(SUM(interactions), 0) AS interactions FROM `project.dataset.staging_abababababababababababababababababababababababababababababababab_0000000000000000`

BEGIN TRANSACTION;
DELETE FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence <= 7;
INSERT INTO `project.dataset.fences` (batch_id, fence) SELECT 'abababababababababababababababababababababababababababababababab', 7 FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
DELETE FROM `project.dataset.interaction_metrics` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
DELETE FROM `project.dataset.batches` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
INSERT INTO `project.dataset.interaction_metrics` (batch_id, campaign_id, type, window_start, interactions, distinct_users, value)
SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.staging_abababababababababababababababababababababababababababababababab_0000000000000000` WHERE NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
COMMIT TRANSACTION;

BEGIN TRANSACTION;
DELETE FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence <= 7;
INSERT INTO `project.dataset.fences` (batch_id, fence) SELECT 'abababababababababababababababababababababababababababababababab', 7 FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
DELETE FROM `project.dataset.interaction_metrics` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
DELETE FROM `project.dataset.batches` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
INSERT INTO `project.dataset.interaction_metrics` (batch_id, campaign_id, type, window_start, interactions, distinct_users, value)
SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.staging_abababababababababababababababababababababababababababababababab_0000000000000000` WHERE NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
INSERT INTO `project.dataset.batches` (batch_id, published_at, interactions)
SELECT 'abababababababababababababababababababababababababababababababab', CURRENT_TIMESTAMP(), 15 FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND fence > 7);
COMMIT TRANSACTION;

SELECT MAX(fence) AS fence FROM `project.dataset.fences` WHERE batch_id = 'abababababababababababababababababababababababababababababababab'

SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value, b.published_at
FROM `project.dataset.interaction_metrics` AS m JOIN `project.dataset.batches` AS b ON b.batch_id = m.batch_id

SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.published_metrics` WHERE batch_id = 'abababababababababababababababababababababababababababababababab'
