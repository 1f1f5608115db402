INSERT INTO "of 63 bytes: größe und 漢__events" VALUES (nostr_id('p', 1, 1, '[]', 'one'), 1, 1, 'p', 'one', '[]', 's');
INSERT INTO "of 63 bytes: größe und 漢__event_tags" SELECT id, 't', '' FROM "of 63 bytes: größe und 漢__events";
INSERT INTO "of 63 bytes: größe und 字__events" VALUES (nostr_id('p', 1, 1, '[]', 'two'), 1, 1, 'p', 'two', '[]', 's');
