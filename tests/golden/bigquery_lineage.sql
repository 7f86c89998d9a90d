SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value FROM `project.dataset.metric_revisions` AS m
JOIN (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE batch_id = 'abababababababababababababababababababababababababababababababab'
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE m.batch_id = 'abababababababababababababababababababababababababababababababab' AND m.campaign_id = @campaign_id AND m.type = @type AND m.window_start = @window_start LIMIT 10

SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value FROM `project.dataset.metric_revisions` AS m
JOIN (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM `project.dataset.publications` AS p WHERE batch_id = 'abababababababababababababababababababababababababababababababab'
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE m.batch_id = 'abababababababababababababababababababababababababababababababab' AND m.campaign_id IS NULL AND m.type IS NULL AND m.window_start IS NULL LIMIT 10

SELECT m.batch_id, m.campaign_id, m.type, m.window_start, m.interactions, m.distinct_users, m.value FROM (SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users,
  SAFE_CAST(value AS NUMERIC) AS value, 'old' AS revision FROM `project.dataset.interaction_metrics`) AS m
JOIN (SELECT batch_id, fence, sequence, revision, interactions, published, written_at FROM (SELECT k.batch_id, COALESCE(f.fence, 0) AS fence, 0 AS sequence, 'old' AS revision,
  COALESCE(b.interactions, 0) AS interactions, b.batch_id IS NOT NULL AS published,
  COALESCE(b.published_at, TIMESTAMP '1970-01-01 00:00:00+00') AS written_at
FROM (SELECT batch_id FROM `project.dataset.interaction_metrics` UNION DISTINCT SELECT batch_id FROM `project.dataset.batches`) AS k
LEFT JOIN (
  SELECT batch_id, MAX(fence) AS fence FROM `project.dataset.fences` GROUP BY batch_id
) AS f ON f.batch_id = k.batch_id
LEFT JOIN (
  SELECT batch_id, MAX(interactions) AS interactions, MAX(published_at) AS published_at
  FROM `project.dataset.batches` GROUP BY batch_id
) AS b ON b.batch_id = k.batch_id) AS p WHERE batch_id = 'abababababababababababababababababababababababababababababababab'
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY fence DESC, sequence DESC, revision DESC) = 1) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE m.batch_id = 'abababababababababababababababababababababababababababababababab' AND m.campaign_id IS NULL AND m.type IS NULL AND m.window_start IS NULL LIMIT 10
