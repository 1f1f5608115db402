DROP TABLE relay__event_tags; DROP TABLE relay__events; DROP TABLE kv;
CREATE TABLE relay__events (id TEXT, created_at INTEGER, kind INTEGER, pubkey TEXT, content TEXT, tags TEXT, sig TEXT);
CREATE TABLE relay__event_tags (event_id TEXT, key TEXT, value TEXT);
CREATE TABLE kv (key TEXT COLLATE NOCASE, value TEXT);
INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', 'good'), 1, 1, 'p', 'altered', '[]', 's');
INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', 'good'), 1, 1, 'p', 'good', '[]', 's');
INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', 'good'), 1, 1, 'p', 'good', '[]', 'signed anew');
INSERT INTO relay__event_tags SELECT id, 't', sig FROM relay__events;
INSERT INTO kv VALUES ('a', x''), ('a', '1'), ('A', '2'), ('a', '3');
