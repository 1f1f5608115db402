import { join } from 'node:path';
import Database from 'better-sqlite3';
import { identifier, indexes, oneAtATime, type RelayDatabase, type Row, type Run } from './database.ts';

/**
 * Opens the file `db` in a directory as the SQLite image does: WAL mode, synchronous NORMAL, one connection, missing tables created.
 *
 * Like that image it never closes the file: closing would write the WAL back into `db` and remove it, and a cutover has
 * to cope with committed rows that stand in `db-wal` only.
 */
export function openSqlite(directory: string, schema: string): RelayDatabase {
  const database = new Database(join(directory, 'db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('foreign_keys = ON');
  database.transaction(() => createTables(database, schema))();

  const run: Run = async (sql, parameters = []) => {
    const statement = database.prepare(sql);
    // SQLite takes "$1" for a parameter that is named "1".
    const named = Object.fromEntries(parameters.map((value, index) => [index + 1, value]));
    if (statement.reader) return statement.all(named) as Row[];
    statement.run(named);
    return [];
  };
  // There is one connection, so that a read between the steps of a transaction would see what is not committed yet.
  const inTurn = oneAtATime();
  return {
    read: (sql, parameters) => inTurn(() => run(sql, parameters)),
    textCondition(schema, place) {
      // A relay that was built without FTS5 has made a file without the index.
      if (!hasTable(database, `${schema}__events_fts`)) return `instr(lower(content), lower(${place})) > 0`;
      const fts = identifier(`${schema}__events_fts`);
      // In quotes, so that no word of a client is read as an operator.
      const phrase = `'"' || replace(${place}, '"', '""') || '"'`;
      return `rowid IN (SELECT rowid FROM ${fts} WHERE ${fts} MATCH ${phrase})`;
    },
    transaction: (work) =>
      inTurn(async () => {
        database.exec('BEGIN IMMEDIATE');
        try {
          const result = await work(run);
          database.exec('COMMIT');
          return result;
        } catch (error) {
          if (database.inTransaction) database.exec('ROLLBACK');
          throw error;
        }
      }),
    leave: () => inTurn(async () => undefined),
  };
}

function createTables(database: Database.Database, schema: string): void {
  const events = identifier(`${schema}__events`);
  const isNew = !hasTable(database, `${schema}__events`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS ${events} (
      id TEXT PRIMARY KEY,
      created_at INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      pubkey TEXT NOT NULL,
      content TEXT NOT NULL,
      tags TEXT NOT NULL,
      sig TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS ${identifier(`${schema}__event_tags`)} (
      event_id TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      FOREIGN KEY (event_id) REFERENCES ${events}(id) ON DELETE CASCADE
    );
    CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL);`);
  for (const { name, table, columns } of indexes(schema)) {
    database.exec(`CREATE INDEX IF NOT EXISTS ${identifier(name)} ON ${identifier(table)} (${columns})`);
  }
  if (isNew) createFullTextSearch(database, schema);
}

function hasTable(database: Database.Database, name: string): boolean {
  return database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(name) !== undefined;
}

/** Only for a new database: over one that has events already, the triggers would delete what was never indexed. */
function createFullTextSearch(database: Database.Database, schema: string): void {
  const events = identifier(`${schema}__events`);
  const fts = identifier(`${schema}__events_fts`);
  const trigger = (ending: string) => identifier(`${schema}__events_${ending}`);
  const add = `INSERT INTO ${fts} (rowid, content) VALUES (new.rowid, new.content);`;
  const remove = `INSERT INTO ${fts} (${fts}, rowid, content) VALUES ('delete', old.rowid, old.content);`;
  database.exec(`
    CREATE VIRTUAL TABLE ${fts} USING fts5(content, content=${events}, content_rowid='rowid');
    CREATE TRIGGER ${trigger('ai')} AFTER INSERT ON ${events} BEGIN ${add} END;
    CREATE TRIGGER ${trigger('ad')} AFTER DELETE ON ${events} BEGIN ${remove} END;
    CREATE TRIGGER ${trigger('au')} AFTER UPDATE ON ${events} BEGIN ${remove} ${add} END;`);
}
