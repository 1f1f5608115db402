INSERT INTO relay__events
WITH RECURSIVE big(content) AS (VALUES ('relay ' || char(128640) || ' note' || char(10)) UNION ALL SELECT content || content FROM big WHERE length(content) < 2500000)
SELECT nostr_id('p', 1, 1, '[]', content), 1, 1, 'p', content, '[]', 's' FROM big ORDER BY length(content) DESC LIMIT 1;
INSERT INTO relay__event_tags SELECT id, 't', printf('%020000d', 1) FROM relay__events;
