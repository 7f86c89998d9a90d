// measure
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 RETURN sum(CASE WHEN true THEN 1 ELSE 0 END) AS m0, sum(CASE WHEN ((n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false)) OR (coalesce(size(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END) > $p1, false) OR (NOT coalesce(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END =~ $p2, false)) OR coalesce(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END =~ $p3, false))) THEN 1 ELSE 0 END) AS m1, CASE WHEN count(CASE WHEN (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) THEN n.`a` END) > 1 THEN stDev(CASE WHEN (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) THEN n.`a` END) END AS m2, max(CASE WHEN ((n.`b` IS NULL OR coalesce(n.`b` <> n.`b`, false)) AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)))) THEN n.`a` END) AS m3, count(DISTINCT CASE WHEN (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) THEN n.`a` END) AS m4
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 256, "p2": "(?s).*?(?-s:^u_[0-9]{3,}(?=\\n?(?![\\s\\S]))).*", "p3": "(?s).*?(?-s:[\\x00-\\x1f\\x7f]).*"}

// alone_repeated
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) WITH n.`a` AS k0, count(*) AS hits WHERE hits > 1 RETURN sum(hits) AS m
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n"}

// alone_repeated_pair
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 WITH CASE WHEN NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)) THEN n.`a` END AS k0, CASE WHEN NOT (n.`b` IS NULL OR coalesce(n.`b` <> n.`b`, false)) THEN n.`b` END AS k1, count(*) AS hits WHERE hits > 1 RETURN sum(hits) AS m
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n"}

// alone_out_of_order
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) WITH n ORDER BY n.`timestamp` WITH collect(n) AS records UNWIND range(1, size(records) - 1) AS place WITH records[place - 1] AS n, records[place] AS after WITH after, n.`a` AS before WITH after AS n, before WHERE NOT coalesce(n.`a` >= before, false) RETURN count(*) AS m
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n"}

// records_sample
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND (n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false)) WITH n ORDER BY n.`interaction_id` LIMIT $p1 RETURN n.`interaction_id` AS f0, n.`user_id` AS f1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 20}

// records_whole
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 WITH n ORDER BY n.`interaction_id` LIMIT $p1 RETURN properties(n) AS record
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 5}

// records_repeated
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 WITH CASE WHEN NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)) THEN n.`a` END AS k0, CASE WHEN NOT (n.`b` IS NULL OR coalesce(n.`b` <> n.`b`, false)) THEN n.`b` END AS k1, collect(n) AS records WHERE size(records) > 1 UNWIND records AS n WITH n ORDER BY n.`interaction_id` LIMIT $p1 RETURN n.`interaction_id` AS f0, n.`a` AS f1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 20}

// records_out_of_order
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) WITH n ORDER BY n.`timestamp` WITH collect(n) AS records UNWIND range(1, size(records) - 1) AS place WITH records[place - 1] AS n, records[place] AS after WITH after, n.`a` AS before WITH after AS n, before WHERE NOT coalesce(n.`a` < before, false) WITH n LIMIT $p1 RETURN n.`interaction_id` AS f0, n.`a` AS f1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 20}

// values_modes
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false))) WITH n.`a` AS value, count(*) AS hits WITH max(hits) AS most, collect({value: value, hits: hits}) AS found UNWIND found AS one WITH one, most WHERE one.hits = most RETURN one.value AS value ORDER BY value LIMIT $p1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 10}

// values_distinct
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND ((NOT (n.`a` IS NOT NULL AND coalesce(n.`a` IN $p1, false))) AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)))) RETURN DISTINCT n.`a` AS value ORDER BY value LIMIT $p2
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": [1, "\"); DROP $where {'$gt': ''} \\ ` \n"], "p2": 20}

// values_ranked
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 AND ((n.`b` IS NULL OR coalesce(n.`b` <> n.`b`, false)) AND (NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)))) WITH n.`a` AS value ORDER BY value WITH collect(value) AS found UNWIND $p1 AS place RETURN found[place] AS value
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": [0, 7]}

// top
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 RETURN n.`type` AS value, count(*) AS hits ORDER BY hits DESC, value LIMIT $p1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 5}

// columns
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 UNWIND keys(n) AS name WITH name, split(valueType(n[name]), ' NOT NULL')[0] AS type RETURN name, collect(DISTINCT type) AS types ORDER BY name
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n"}

// stream
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 WITH n LIMIT $p1 RETURN n.`a` AS f0, n.`type` AS f1
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 10}

// pages
MATCH (n:`Interaction`) WHERE n.`batch_id` = $p0 WITH n LIMIT $p1 WITH collect(n) AS found UNWIND range(0, size(found) - 1, 1000) AS place RETURN [n IN found[place..place + 1000] | n.`a`] AS page
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n", "p1": 10}

// relationships
MATCH (:`Interaction`)-[n:`REFERS_TO`]->(:`Campaign`) WHERE startNode(n).`batch_id` = $p0 AND (n.`weight` IS NULL OR coalesce(n.`weight` <> n.`weight`, false)) WITH n ORDER BY elementId(n) LIMIT $p1 RETURN startNode(n).`interaction_id` AS f0
// {"p0": "b", "p1": 5}

// query
CALL { MATCH (n) RETURN n.a AS a, n.b AS `odd name`
} WITH {`a`: `a`, `odd name`: `odd name`} AS n WHERE (n.`odd name` IS NULL OR coalesce(n.`odd name` <> n.`odd name`, false)) WITH n LIMIT $p0 RETURN n.`a` AS f0
// {"p0": 5}
