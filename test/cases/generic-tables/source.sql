CREATE TABLE media (id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, size INTEGER, score, data BLOB, note VARCHAR(10) DEFAULT 'x',
  twice AS (size * 2), CHECK (size > 0));
INSERT INTO media (hash, size, score, data, note) VALUES ('größe 漢字 🚀', 9223372036854775807, 1, x'00ff', NULL), ('', NULL, 2.5, x'', ''), ('\N', 1, -1e300, NULL, 'NULL');
CREATE INDEX media_size ON media (size);
CREATE UNIQUE INDEX media_lower ON media (lower(hash));
CREATE UNIQUE INDEX media_some ON media (size) WHERE size > 5;
CREATE UNIQUE INDEX media_pair ON media (note, size DESC);
-- Nothing of what is declared is true.
CREATE TABLE "odd ""name" ("place" INTEGER, "occurrence" TEXT, "rid" REAL, "Ünicode ""column" BLOB, "order" DATETIME);
INSERT INTO "odd ""name" VALUES ('text', x'01', 3, 'not a blob', '2026-01-01'), ('more', x'02', NULL, 'text', '2026-01-02'), ('more', x'02', NULL, 'text', '2026-01-02');
CREATE TABLE "numbers" (n, extreme, class);
INSERT INTO "numbers" VALUES (1, 9e999, 9007199254740992), (-0.0, -9e999, 0.5), (5e-324, 1.7976931348623157e308, -9007199254740992), (0.1, 0.30000000000000004, 1.0), (0.0, 0.0, 1);
CREATE TABLE "empty" (a INTEGER, b TEXT, c BLOB, d REAL, e DATETIME, f, g TINYINT NOT NULL, h CHARACTER(20) PRIMARY KEY);
CREATE TABLE "nulls" (k TEXT PRIMARY KEY, v INTEGER);
INSERT INTO "nulls" VALUES (NULL, NULL), (NULL, NULL), ('a', NULL);
CREATE TABLE "pairs" (b INTEGER, a TEXT, PRIMARY KEY (a, b));
INSERT INTO "pairs" VALUES (1, 'x'), (2, 'x');
CREATE TABLE "names" (a_b, a, b, UNIQUE (a_b), UNIQUE (a, b));
CREATE TABLE "a_table_of_63_bytes_whose_key_would_have_a_name_of_many_bytes_x" (k TEXT PRIMARY KEY, UNIQUE (k COLLATE NOCASE));
