WITH event (created_at, kind, pubkey, tags, content) AS (VALUES
  (1, 1, printf('%064d', 7), '[["t","\ud800"],["t","\udfff\ud800"],["t","a\udc00b"]]', '\ud800 is six characters here'),
  (2, 1, printf('%064d', 7), '[["t","\u0000"],["\u0001","\u001f"]]', '\u0000')
)
INSERT INTO relay__events
SELECT nostr_id(pubkey, created_at, kind, tags, content), created_at, kind, pubkey, content, tags, printf('%0128d', 1)
FROM event;
INSERT INTO relay__event_tags SELECT id, 't', '\ud800' FROM relay__events;
INSERT INTO kv VALUES ('\ud800', '{"a":"\u0000"}');
