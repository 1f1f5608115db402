INSERT INTO "relay__events" VALUES (nostr_id('p', 1, 1, '[]', 'one'), 1, 1, 'p', 'one', '[]', 's');
INSERT INTO "a__b__events" VALUES (nostr_id('p', 1, 1, '[]', 'two'), 1, 1, 'p', 'two', '[]', 's');
INSERT INTO "a__b__event_tags" SELECT id, 'k', 'v' FROM "a__b__events";
INSERT INTO "it's-""ré lay__events" VALUES (nostr_id('p', 1, 1, '[]', 'three'), 1, 1, 'p', 'three', '[]', 's');
INSERT INTO "it's-""ré lay__event_tags" SELECT id, 'k', 'v' FROM "it's-""ré lay__events";
