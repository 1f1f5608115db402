WITH event (created_at, kind, pubkey, tags, content) AS (VALUES
  (1, 1, printf('%064d', 7), '[]', ''),
  (2, 1, printf('%064d', 7), '[]', '\N'),
  (3, 1, printf('%064d', 7), '[]', 'NULL'),
  (4, 1, printf('%064d', 7), '[]', '\.'),
  (5, 1, printf('%064d', 7), '[]', char(9) || 'tab' || char(13, 10) || 'CR LF' || char(10) || '\' || char(10) || '\.' || char(10)),
  (6, 1, printf('%064d', 7), '[]', char(1, 2, 8, 11, 12, 27, 127)),
  (7, 1, printf('%064d', 7), '[]', '🚀 größe 漢字 ' || char(769, 8203, 65279, 1114109)),
  (8, 1, printf('%064d', 7), '[]', '"quotes" ''single'' $1 %s {} ;--'),
  (-9223372036854775, 2147483647, printf('%064d', 7), '[]', 'far past, largest kind'),
  (9007199254740991, -2147483648, printf('%064d', 7), '[]', 'far future, smallest kind')
)
INSERT INTO relay__events
SELECT nostr_id(pubkey, created_at, kind, tags, content), created_at, kind, pubkey, content, tags, printf('%0128d', created_at)
FROM event;
INSERT INTO relay__event_tags SELECT id, '', '' FROM relay__events;
INSERT INTO relay__event_tags SELECT id, '\N', content FROM relay__events;
INSERT INTO kv VALUES ('', ''), ('\N', 'NULL'), ('null', '\.'), (' a', 'a '), ('A', char(10)), ('a', char(13)), ('ä', '\x41');
