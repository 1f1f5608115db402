import pg from 'pg';
import { identifier, indexes, oneAtATime, type RelayDatabase, type Run } from './database.ts';

/**
 * Opens a PostgreSQL database as the PostgreSQL image does: tables, indexes, full-text column, function and trigger are created where they are missing.
 *
 * @throws Error when the server is not reached, refuses the sign-in or holds tables that the relay cannot work with
 */
export async function openPostgres(url: string, schema: string): Promise<RelayDatabase> {
  const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 10_000 });
  // An idle connection that the server ends is replaced at the next query; without a listener it would end this process.
  pool.on('error', (error) => console.error(`PostgreSQL ended an idle connection: ${error.message}`));

  const transaction = async <T>(work: (run: Run) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    // While a client is lent out, a lost connection also arrives as an event, besides failing the query.
    const ignore = () => undefined;
    client.on('error', ignore);
    let broken = false;
    try {
      await client.query('BEGIN');
      const result = await work(async (sql, parameters = []) => (await client.query(sql, parameters)).rows);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
      throw error;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  };
  try {
    await transaction((run) => createTables(run, schema));
  } catch (error) {
    await pool.end();
    throw error;
  }

  const inTurn = oneAtATime();
  return {
    read: async (sql, parameters = []) => (await pool.query(sql, parameters)).rows,
    textCondition: (_, place) => `search_vector @@ plainto_tsquery('english', ${place})`,
    transaction: (work) => inTurn(() => transaction(work)),
    leave: () => inTurn(() => pool.end()),
  };
}

async function createTables(run: Run, schema: string): Promise<void> {
  const events = identifier(`${schema}__events`);
  const update = identifier(`${schema}_update_search_vector`);
  const trigger = `${schema}_events_search_update`;
  await run(`CREATE TABLE IF NOT EXISTS ${events} (
    id TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    pubkey TEXT NOT NULL,
    content TEXT NOT NULL,
    tags TEXT NOT NULL,
    sig TEXT NOT NULL,
    search_vector tsvector
  )`);
  await run(`CREATE TABLE IF NOT EXISTS ${identifier(`${schema}__event_tags`)} (
    event_id TEXT NOT NULL REFERENCES ${events} (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL
  )`);
  await run('CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL)');
  for (const { name, table, columns } of indexes(schema)) {
    await run(`CREATE INDEX IF NOT EXISTS ${identifier(name)} ON ${identifier(table)} (${columns})`);
  }
  await run(
    `CREATE INDEX IF NOT EXISTS ${identifier(`${schema}__idx_events_search`)} ON ${events} USING GIN (search_vector)`,
  );
  await run(`CREATE OR REPLACE FUNCTION ${update}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.search_vector := to_tsvector('english', coalesce(NEW.content, ''));
      RETURN NEW;
    END $$`);
  // CREATE TRIGGER knows no IF NOT EXISTS.
  const existing = await run('SELECT 1 FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = $2', [
    events,
    trigger,
  ]);
  if (existing.length > 0) return;
  await run(
    `CREATE TRIGGER ${identifier(trigger)} BEFORE INSERT OR UPDATE ON ${events} FOR EACH ROW EXECUTE FUNCTION ${update}()`,
  );
}
