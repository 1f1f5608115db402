CREATE TABLE invite (code TEXT);
INSERT INTO invite VALUES ('a'), ('b');
CREATE TABLE "odd ""name" (n PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5(text);
INSERT INTO kv VALUES ('a', '1');
