INSERT INTO "it's-""ré lay__events" VALUES (nostr_id('p', 3, 1, '[]', 'three'), 3, 1, 'p', 'three', '[]', 's');
INSERT INTO "it's-""ré lay__events" VALUES ('bad', 4, 1, 'p', x'00', '[]', 's');
INSERT INTO "it's-""ré lay__event_tags" SELECT id, 'k', 'v' FROM "it's-""ré lay__events";
INSERT INTO "a__events__events" VALUES ('$1', 4, 1, 'p', '%s', '[]', 's');
