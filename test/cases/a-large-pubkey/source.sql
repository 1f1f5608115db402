WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1500), text(pubkey) AS (SELECT group_concat(printf('%x', i * i * 7919 % 1000003), '') FROM n)
INSERT INTO relay__events SELECT nostr_id(pubkey, 1, 1, '[]', ''), 1, 1, pubkey, '', '[]', 's' FROM text;
INSERT INTO relay__events VALUES (nostr_id(printf('%020000d', 1), 1, 1, '[]', ''), 1, 1, printf('%020000d', 1), '', '[]', 's');
INSERT INTO relay__event_tags SELECT id, 't', '' FROM relay__events;
