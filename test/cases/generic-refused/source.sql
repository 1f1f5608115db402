CREATE TABLE "mixed" (a, b INTEGER, c TEXT);
INSERT INTO "mixed" VALUES ('text', 9007199254740993, 'a'), (1, 0.5, 'b'), (2, -9007199254740993, x'00'), (NULL, 1, NULL), (1.5, 2, 'c');
CREATE TABLE "no rowid" (k TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5(text);
CREATE TABLE taken (RowId TEXT, row_hash TEXT, ctid TEXT, oid TEXT);
CREATE TABLE invite (code TEXT);
CREATE TABLE "long" ("a_column_whose_name_has_64_bytes_which_is_one_more_than_may_be__" TEXT);
