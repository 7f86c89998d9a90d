MATCH (n:`interactions`) WHERE n.`batch_id` = $p0 RETURN sum(CASE WHEN true THEN 1 ELSE 0 END) AS m0, sum(CASE WHEN ((n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false)) OR ((NOT (coalesce(n.`user_id` STARTS WITH '', false) AND coalesce(n.`user_id` =~ $p1, false))) OR (coalesce(n.`user_id` STARTS WITH '', false) AND coalesce(n.`user_id` =~ $p2, false)))) THEN 1 ELSE 0 END) AS m1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": "(?s).*?(?-s:^u_\\d{3,}$).*", "p2": "(?s).*?(?-s:[\\x00-\\x1f\\x7f]).*"}

MATCH (n:`interactions`) WHERE n.`batch_id` = $p0 AND (n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false)) WITH n ORDER BY n.`interaction_id` LIMIT $p1 RETURN n.`interaction_id` AS f0, n.`user_id` AS f1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 20}

MATCH (n:`interactions`) WHERE n.`batch_id` = $p0 RETURN n.`type` AS value, count(*) AS hits ORDER BY hits DESC, value LIMIT $p1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 5}
