INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', 'good'), 1, 1, 'p', 'good', '[]', 's');
INSERT INTO relay__event_tags SELECT id, 't', 'kept' FROM relay__events;
INSERT INTO relay__events VALUES (nostr_id('p', 2, 1, '[]', 'before'), 2, 1, 'p', 'after', '[]', 's');
INSERT INTO relay__event_tags SELECT id, 't', 'of an altered event' FROM relay__events WHERE content = 'after';
INSERT INTO relay__event_tags VALUES ('nobody', 't', 'twice'), ('nobody', 't', 'twice'), ('', 't', ''), (x'6162', 't', '');
INSERT INTO relay__event_tags VALUES ('a' || char(10) || '"' || printf('%0200d', 7), 't', '');
