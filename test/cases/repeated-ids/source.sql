DROP TABLE relay__event_tags; DROP TABLE relay__events;
CREATE TABLE relay__events (id TEXT, created_at INTEGER, kind INTEGER, pubkey TEXT, content TEXT, tags TEXT, sig TEXT);
INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', ''), 1, 1, 'p', '', '[]', 's');
INSERT INTO relay__events SELECT * FROM relay__events;
