INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', 'good'), 1, 1, 'p', 'good', '[]', 's');
INSERT INTO relay__events VALUES (NULL, 2, 1, 'p', '', '[]', 's'), (NULL, 2, 1, 'p', '', '[]', 's');
INSERT INTO kv VALUES (NULL, 'a'), ('', 'the empty key is one'), (NULL, 'a');
