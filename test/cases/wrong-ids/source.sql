INSERT INTO relay__events VALUES (nostr_id('p', 1, 1, '[]', 'good'), 1, 1, 'p', 'good', '[]', 's');
INSERT INTO relay__events VALUES (nostr_id('p', 2, 1, '[]', 'before'), 2, 1, 'p', 'after', '[]', 's');
INSERT INTO relay__events VALUES (upper(nostr_id('p', 3, 1, '[]', '')), 3, 1, 'p', '', '[]', 's');
INSERT INTO relay__events VALUES (nostr_id('p', 4, 1, '[]', ''), 4, 1, 'p', '', 'no JSON', 's');
