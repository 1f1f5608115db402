INSERT INTO relay__events
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200000), text(content) AS (SELECT group_concat(printf('w%x', i), ' ') FROM n)
SELECT nostr_id('p', 1, 1, '[]', content), 1, 1, 'p', content, '[]', 's' FROM text;
INSERT INTO relay__event_tags
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1500), text(value) AS (SELECT group_concat(printf('%x', i * i * 7919 % 1000003), '') FROM n)
SELECT id, 't', value FROM relay__events, text;
INSERT INTO relay__event_tags SELECT event_id, 'fits', substr(value, 1, 2500) FROM relay__event_tags;
INSERT INTO kv SELECT value, '' FROM relay__event_tags WHERE key = 't';
INSERT INTO kv SELECT 'large values are fine', content FROM relay__events;
