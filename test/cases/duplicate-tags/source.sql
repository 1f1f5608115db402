WITH event (created_at, kind, pubkey, tags, content) AS (VALUES
  (1, 1, printf('%064d', 7), '[["t","a"],["t","a"]]', 'twice')
)
INSERT INTO relay__events
SELECT nostr_id(pubkey, created_at, kind, tags, content), created_at, kind, pubkey, content, tags, printf('%0128d', created_at)
FROM event;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO relay__event_tags SELECT id, 't', 'a' FROM relay__events, n;
