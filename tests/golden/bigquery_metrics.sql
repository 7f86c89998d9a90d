INSERT INTO `project.dataset.publications` (batch_id, fence, sequence, revision, interactions, published, written_at)
SELECT 'abababababababababababababababababababababababababababababababab', 7, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM `project.dataset.publications` WHERE batch_id = 'abababababababababababababababababababababababababababababababab'), '0000000000000000_1111111111111111', 15, FALSE, CURRENT_TIMESTAMP()
FROM (
  SELECT COUNT(*) AS n, COALESCE(SUM(interactions), 0) AS interactions
  FROM `project.dataset.metric_revisions` WHERE batch_id = 'abababababababababababababababababababababababababababababababab' AND revision = '0000000000000000_1111111111111111'
) AS found
WHERE found.n = 5 AND found.interactions = 15

INSERT INTO `project.dataset.publications` (batch_id, fence, sequence, revision, interactions, published, written_at)
SELECT p.batch_id, p.fence, p.sequence + 1, p.revision, p.interactions, TRUE, CURRENT_TIMESTAMP()
FROM (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE batch_id = 'abababababababababababababababababababababababababababababababab'
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p
WHERE p.fence = 7 AND p.interactions = 15 AND STARTS_WITH(p.revision, '0000000000000000_')

INSERT INTO `project.dataset.metric_revisions` (batch_id, campaign_id, type, window_start, interactions, distinct_users, value, revision, fence, loaded_at) SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value, revision, fence, loaded_at FROM `project.dataset.load_1`

SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE batch_id = 'abababababababababababababababababababababababababababababababab'
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1

SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value, p.written_at AS published_at
FROM `project.dataset.metric_revisions` AS m
JOIN (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE p.published

SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.published_metrics` WHERE batch_id = 'abababababababababababababababababababababababababababababababab'

SELECT COUNT(*) AS n FROM `project.dataset.metric_revisions` AS m WHERE m.loaded_at < TIMESTAMP '2026-11-20 09:00:00+00' AND NOT EXISTS (SELECT 1 FROM (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p WHERE p.batch_id = m.batch_id AND p.revision = m.revision)

DELETE FROM `project.dataset.metric_revisions` AS m WHERE m.loaded_at < TIMESTAMP '2026-11-20 09:00:00+00' AND NOT EXISTS (SELECT 1 FROM (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p WHERE p.batch_id = m.batch_id AND p.revision = m.revision)

DELETE FROM `project.dataset.publications` AS q WHERE q.written_at < TIMESTAMP '2026-11-20 09:00:00+00' AND NOT EXISTS (SELECT 1 FROM (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p WHERE p.batch_id = q.batch_id AND p.fence = q.fence AND p.sequence = q.sequence AND p.revision = q.revision)

SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value, p.written_at AS published_at
FROM (SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value, revision FROM `project.dataset.metric_revisions`
UNION ALL
SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users,
  SAFE_CAST(value AS NUMERIC) AS value, 'old' AS revision FROM `project.dataset.interaction_metrics`) AS m
JOIN (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications`
UNION ALL
SELECT k.batch_id, COALESCE(f.fence, 0) AS fence, 0 AS sequence, 'old' AS revision,
  COALESCE(b.interactions, 0) AS interactions, b.batch_id IS NOT NULL AS published,
  COALESCE(b.published_at, TIMESTAMP '1970-01-01 00:00:00+00') AS written_at
FROM (SELECT batch_id FROM `project.dataset.interaction_metrics` UNION DISTINCT SELECT batch_id FROM `project.dataset.batches`) AS k
LEFT JOIN (
  SELECT batch_id, MAX(fence) AS fence FROM `project.dataset.fences` GROUP BY batch_id
) AS f ON f.batch_id = k.batch_id
LEFT JOIN (
  SELECT batch_id, MAX(interactions) AS interactions, MAX(published_at) AS published_at
  FROM `project.dataset.batches` GROUP BY batch_id
) AS b ON b.batch_id = k.batch_id) AS p WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE p.published

SELECT COUNT(*) AS n FROM (SELECT k.batch_id, COALESCE(f.fence, 0) AS fence, 0 AS sequence, 'old' AS revision,
  COALESCE(b.interactions, 0) AS interactions, b.batch_id IS NOT NULL AS published,
  COALESCE(b.published_at, TIMESTAMP '1970-01-01 00:00:00+00') AS written_at
FROM (SELECT batch_id FROM `project.dataset.interaction_metrics` UNION DISTINCT SELECT batch_id FROM `project.dataset.batches`) AS k
LEFT JOIN (
  SELECT batch_id, MAX(fence) AS fence FROM `project.dataset.fences` GROUP BY batch_id
) AS f ON f.batch_id = k.batch_id
LEFT JOIN (
  SELECT batch_id, MAX(interactions) AS interactions, MAX(published_at) AS published_at
  FROM `project.dataset.batches` GROUP BY batch_id
) AS b ON b.batch_id = k.batch_id) AS o
LEFT JOIN (SELECT DISTINCT batch_id, revision FROM `project.dataset.publications`) AS n
  ON n.batch_id = o.batch_id AND n.revision = CONCAT('migrated_', CAST(o.fence AS STRING))
WHERE n.batch_id IS NULL

SELECT COUNTIF(SAFE_CAST(value AS NUMERIC) IS NULL) AS lost, MIN(IF(SAFE_CAST(value AS NUMERIC) IS NULL, batch_id, NULL)) AS lost_batch,
  COUNTIF((window_start < TIMESTAMP '1900-01-01 00:00:00+00' OR window_start >= TIMESTAMP '2200-01-01 00:00:00+00')) AS outside, MIN(IF((window_start < TIMESTAMP '1900-01-01 00:00:00+00' OR window_start >= TIMESTAMP '2200-01-01 00:00:00+00'), batch_id, NULL)) AS outside_batch
FROM `project.dataset.interaction_metrics`

INSERT INTO `project.dataset.metric_revisions` (batch_id, campaign_id, type, interactions, distinct_users, window_start, value, revision, fence, loaded_at)
SELECT m.batch_id, m.campaign_id, m.type, m.interactions, m.distinct_users,
  IF(m.window_start >= TIMESTAMP '1900-01-01 00:00:00+00' AND m.window_start < TIMESTAMP '2200-01-01 00:00:00+00', m.window_start, NULL),
  SAFE_CAST(m.value AS NUMERIC), CONCAT('migrated_', CAST(o.fence AS STRING)), o.fence, CURRENT_TIMESTAMP()
FROM `project.dataset.interaction_metrics` AS m
JOIN (SELECT k.batch_id, COALESCE(f.fence, 0) AS fence, 0 AS sequence, 'old' AS revision,
  COALESCE(b.interactions, 0) AS interactions, b.batch_id IS NOT NULL AS published,
  COALESCE(b.published_at, TIMESTAMP '1970-01-01 00:00:00+00') AS written_at
FROM (SELECT batch_id FROM `project.dataset.interaction_metrics` UNION DISTINCT SELECT batch_id FROM `project.dataset.batches`) AS k
LEFT JOIN (
  SELECT batch_id, MAX(fence) AS fence FROM `project.dataset.fences` GROUP BY batch_id
) AS f ON f.batch_id = k.batch_id
LEFT JOIN (
  SELECT batch_id, MAX(interactions) AS interactions, MAX(published_at) AS published_at
  FROM `project.dataset.batches` GROUP BY batch_id
) AS b ON b.batch_id = k.batch_id) AS o ON o.batch_id = m.batch_id
LEFT JOIN (SELECT DISTINCT batch_id, revision FROM `project.dataset.metric_revisions`) AS n
  ON n.batch_id = m.batch_id AND n.revision = CONCAT('migrated_', CAST(o.fence AS STRING))
WHERE n.batch_id IS NULL

INSERT INTO `project.dataset.publications` (batch_id, fence, sequence, revision, interactions, published, written_at)
SELECT o.batch_id, o.fence, 1, CONCAT('migrated_', CAST(o.fence AS STRING)), o.interactions, o.published, o.written_at
FROM (SELECT k.batch_id, COALESCE(f.fence, 0) AS fence, 0 AS sequence, 'old' AS revision,
  COALESCE(b.interactions, 0) AS interactions, b.batch_id IS NOT NULL AS published,
  COALESCE(b.published_at, TIMESTAMP '1970-01-01 00:00:00+00') AS written_at
FROM (SELECT batch_id FROM `project.dataset.interaction_metrics` UNION DISTINCT SELECT batch_id FROM `project.dataset.batches`) AS k
LEFT JOIN (
  SELECT batch_id, MAX(fence) AS fence FROM `project.dataset.fences` GROUP BY batch_id
) AS f ON f.batch_id = k.batch_id
LEFT JOIN (
  SELECT batch_id, MAX(interactions) AS interactions, MAX(published_at) AS published_at
  FROM `project.dataset.batches` GROUP BY batch_id
) AS b ON b.batch_id = k.batch_id) AS o
LEFT JOIN (SELECT DISTINCT batch_id, revision FROM `project.dataset.publications`) AS n
  ON n.batch_id = o.batch_id AND n.revision = CONCAT('migrated_', CAST(o.fence AS STRING))
WHERE n.batch_id IS NULL
