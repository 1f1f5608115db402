WITH event (created_at, kind, pubkey, tags, content) AS (VALUES
  (9223372036854775807, 2147483647, printf('%064d', 7), '[]', 'the last second'),
  (-9223372036854775808, -2147483648, printf('%064d', 7), '[]', 'the first second'),
  (9007199254740993, 0, printf('%064d', 7), '[]', 'more than a double holds'),
  (-9007199254740993, -1, printf('%064d', 7), '[]', 'less than a double holds')
)
INSERT INTO relay__events
SELECT nostr_id(pubkey, created_at, kind, tags, content), created_at, kind, pubkey, content, tags, printf('%0128d', 1)
FROM event;
