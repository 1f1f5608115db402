CREATE TABLE media (id INTEGER PRIMARY KEY, name TEXT, key TEXT UNIQUE);
INSERT INTO media VALUES (1, 'good', 'a'), (2, 'NUL' || char(0) || 'byte', 'b'), (3, CAST(x'ff' AS TEXT), 'c'), (4, NULL, NULL);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1500), text(value) AS (SELECT group_concat(printf('%x', i * i * 7919 % 1000003), '') FROM n)
INSERT INTO media SELECT 5, 'large', value FROM text;
