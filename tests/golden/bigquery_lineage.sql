SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.interaction_metrics` WHERE batch_id = @batch_id AND campaign_id = @campaign_id AND type = @type AND window_start = @window_start LIMIT 10

SELECT batch_id, campaign_id, type, window_start, interactions, distinct_users, value FROM `project.dataset.interaction_metrics` WHERE batch_id = @batch_id AND campaign_id IS NULL AND type IS NULL AND window_start IS NULL LIMIT 10

SELECT published_at, interactions FROM `project.dataset.batches` WHERE batch_id = @batch_id LIMIT 1
