DROP TABLE kv; DROP TABLE relay__event_tags;
WITH event (created_at, kind, pubkey, tags, content) AS (VALUES
  (1, 1, printf('%064d', 7), '[]', 'alone')
)
INSERT INTO relay__events
SELECT nostr_id(pubkey, created_at, kind, tags, content), created_at, kind, pubkey, content, tags, printf('%0128d', created_at)
FROM event;
