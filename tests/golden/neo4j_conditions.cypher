// always
true
// {}

// is_null
(n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false))
// {}

// is_text
coalesce(n.`user_id` STARTS WITH '', false)
// {}

// compare
(n.`extra.value` IS NOT NULL AND coalesce(n.`extra.value` >= $p0, false))
// {"p0": 3}

// compare_length
coalesce(size(CASE WHEN coalesce(n.`message` STARTS WITH '', false) THEN n.`message` END) <= $p0, false)
// {"p0": 3}

// compare_fields
(n.`a` IS NOT NULL AND n.`b` IS NOT NULL AND coalesce(n.`a` > n.`b`, false))
// {}

// compare_sum
CASE WHEN coalesce(n.`a` <= 0 OR n.`a` > 0, false) AND coalesce(n.`b` <= 0 OR n.`b` > 0, false) THEN n.`a` + n.`b` = $p0 ELSE false END
// {"p0": 3}

// has_type
(NOT (n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)) AND (valueType(n.`a`) STARTS WITH 'INTEGER' OR valueType(n.`a`) STARTS WITH 'ZONED DATETIME' OR valueType(n.`a`) STARTS WITH 'LOCAL DATETIME'))
// {}

// in_set
(n.`type` IS NOT NULL AND coalesce(n.`type` IN $p0, false))
// {"p0": ["click", "\"); DROP $where {'$gt': ''} \\ ` \n", 1, true]}

// matches
coalesce(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END =~ $p0, false)
// {"p0": "(?s).*?(?-s:^u_[0-9]{3,}(?=\\n?(?![\\s\\S]))).*"}

// not
(NOT (n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false)))
// {}

// and
((n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)) AND (n.`b` IS NOT NULL AND NOT (n.`b` IS NOT NULL AND coalesce(n.`b` = $p0, false))))
// {"p0": "\"); DROP $where {'$gt': ''} \\ ` \n"}

// or
((n.`a` IS NULL OR coalesce(n.`a` <> n.`a`, false)) OR (n.`b` IS NULL OR coalesce(n.`b` <> n.`b`, false)))
// {}

// related
EXISTS { MATCH (n)-[:`REFERS_TO`]->(t:`Campaign`) WHERE t.`in_catalogue` = $p0 }
// {"p0": true}

// malformed_user_id
((n.`user_id` IS NULL OR coalesce(n.`user_id` <> n.`user_id`, false)) OR (coalesce(size(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END) > $p0, false) OR (NOT coalesce(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END =~ $p1, false)) OR coalesce(CASE WHEN coalesce(n.`user_id` STARTS WITH '', false) THEN n.`user_id` END =~ $p2, false)))
// {"p0": 256, "p1": "(?s).*?(?-s:^u_[0-9]{3,}(?=\\n?(?![\\s\\S]))).*", "p2": "(?s).*?(?-s:[\\x00-\\x1f\\x7f]).*"}

// orphaned
(NOT EXISTS { MATCH (n)-[:`REFERS_TO`]->(t:`Campaign`) WHERE t.`in_catalogue` = $p0 })
// {"p0": true}

// any_element
((NOT (n.`items.sku` IS NULL OR coalesce(n.`items.sku` <> n.`items.sku`, false))) AND (n.`items.sku` IS NOT NULL AND coalesce(n.`items.sku` IN $p0, false)))
// {"p0": ["a", "\"); DROP $where {'$gt': ''} \\ ` \n"]}

// any_element_deep
(n.`a.b.c.d` IS NULL OR coalesce(n.`a.b.c.d` <> n.`a.b.c.d`, false))
// {}

// leads_through_list
false
// {}

// reads_as_date
(n.`at` IS NOT NULL AND coalesce(n.`at` IN $p0, false))
// {"p0": ["2026-11-20", "2026-11-20", "2026-11-20 00:00:00+00:00", "2026-11-20 00:00:00", "2026-11-20T10:00:00", "2026-11-20 10:00:00+00:00", "2026-11-20 10:00:00"]}

// odd_name
(n.`a.b.$c.d e` IS NULL OR coalesce(n.`a.b.$c.d e` <> n.`a.b.$c.d e`, false))
// {}
