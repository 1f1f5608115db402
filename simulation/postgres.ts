import Database from 'better-sqlite3';
import type pg from 'pg';
import type { DigestSumRow } from '../migrator/digest.ts';
import type { VirtualClock } from './clock.ts';
import { CREATE_CONTROL_SCHEMA, inSqlite, TIME_DEFAULTS } from './control-statements.ts';
import { selectEvents } from './events.ts';
import { EVENTS, emptyTables, sumOf, type TableName, type Tables } from './rows.ts';

/** The database on RDS: the relay's rows in memory, schema `cutover` in a SQLite of its own. */
export interface Postgres {
  readonly tables: Tables;
  /** False while it restarts. */
  isUp: boolean;
  connect(): ModelConnection;
  /** Every connection is lost, and with it what was not committed. */
  restart(seconds: number): void;
  authority(): { holder: 'source' | 'target'; runId: string; changedAt: Date } | undefined;
  run(runId: string): { mode: string; status: string } | undefined;
  createControlSchema(): void;
}

/** A connection that answers as far as the functions and the migrator ask. */
export interface ModelConnection {
  /** The same to the code that wants the driver's client. */
  client: pg.Client;
  /** Does it when the transaction that is open commits. */
  onCommit(act: () => void): void;
  /** The lock that lets one run at a time work on the target. */
  tryLock(): boolean;
  close(): void;
}

const TRANSACTION_WAIT_SECONDS_MAX = 10;

export function createPostgres(clock: VirtualClock, misunderstood: (message: string) => void): Postgres {
  const control = sharedDatabase();
  const state = { tables: emptyTables(), isUp: true, epoch: 0, hasSchema: false };
  const lock: { holder: object | undefined; forTransaction: boolean } = { holder: undefined, forTransaction: false };
  const transaction: { owner: object | undefined; waiting: (() => void)[] } = { owner: undefined, waiting: [] };
  let ticks = 0;
  let seen: { changes: number; authority: ReturnType<Postgres['authority']> } | undefined;
  const timestamp = (): string => {
    // To the microsecond, as PostgreSQL has it: no two of them are alike.
    ticks += 1;
    return clock
      .now()
      .toISOString()
      .replace('Z', `${String(ticks % 1000).padStart(3, '0')}Z`);
  };
  control.open({ misunderstood, timestamp, hasSchema: () => state.hasSchema });

  const release = (owner: object): void => {
    if (lock.holder === owner && lock.forTransaction) lock.holder = undefined;
    if (transaction.owner !== owner) return;
    transaction.owner = undefined;
    transaction.waiting.shift()?.();
  };

  const connect = (): ModelConnection => {
    if (!state.isUp) throw new Error('connect ECONNREFUSED 10.0.0.1:5432');
    const owner = {};
    const { epoch } = state;
    let isClosed = false;
    let isOpen = false;
    let staged: (() => void)[] = [];
    const assertAlive = (): void => {
      if (isClosed || epoch !== state.epoch) throw new Error('Connection terminated unexpectedly');
    };
    const untilAlone = async (): Promise<void> => {
      while (transaction.owner !== undefined && transaction.owner !== owner) await turn(transaction.waiting, clock);
      assertAlive();
    };
    /** A transaction is in the way of others from its first lock or change on, as in PostgreSQL, and not from its beginning. */
    const lockRows = async (): Promise<void> => {
      if (!isOpen || transaction.owner === owner) return;
      await untilAlone();
      transaction.owner = owner;
      control.run('BEGIN', []);
    };
    const commit = (): void => {
      if (transaction.owner === owner) control.run('COMMIT', []);
      for (const act of staged) act();
      isOpen = false;
      staged = [];
      release(owner);
    };
    const rollback = (): void => {
      staged = [];
      isOpen = false;
      if (transaction.owner === owner) control.run('ROLLBACK', []);
      release(owner);
    };
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      rollback();
      if (lock.holder === owner) lock.holder = undefined;
    };
    const query = async (statement: string, values: unknown[] = []): Promise<{ rows: object[]; rowCount: number }> => {
      const text = statement.trim();
      if (text === 'ROLLBACK') {
        rollback();
        return { rows: [], rowCount: 0 };
      }
      assertAlive();
      if (/^BEGIN\b/.test(text)) {
        isOpen = true;
        staged = [];
        return { rows: [], rowCount: 0 };
      }
      if (text === 'COMMIT') {
        commit();
        return { rows: [], rowCount: 0 };
      }
      if (/^(SET|DECLARE|FETCH|CLOSE)\b/.test(text)) return { rows: [], rowCount: 0 };
      if (text.includes('pg_try_advisory_xact_lock')) {
        const isFree = lock.holder === undefined;
        if (isFree) Object.assign(lock, { holder: owner, forTransaction: true });
        return { rows: [{ free: isFree }], rowCount: 1 };
      }
      const answer = rowsOf(state.tables, text, values);
      if (answer) return answer;
      if (/FOR (UPDATE|SHARE)|^(INSERT|UPDATE)/.test(text)) await lockRows();
      await untilAlone();
      return control.run(text, values);
    };
    return {
      client: { query, end: async () => close() } as unknown as pg.Client,
      onCommit: (act) => void staged.push(act),
      tryLock() {
        if (lock.holder !== undefined) return lock.holder === owner;
        Object.assign(lock, { holder: owner, forTransaction: false });
        return true;
      },
      close,
    };
  };

  return {
    get tables() {
      return state.tables;
    },
    get isUp() {
      return state.isUp;
    },
    set isUp(isUp) {
      state.isUp = isUp;
    },
    connect,
    restart(seconds) {
      state.epoch += 1;
      state.isUp = false;
      lock.holder = undefined;
      if (transaction.owner !== undefined) {
        if (control.inTransaction()) control.run('ROLLBACK', []);
        transaction.owner = undefined;
        transaction.waiting.shift()?.();
      }
      clock.after(seconds, () => {
        state.isUp = true;
      });
    },
    createControlSchema() {
      state.hasSchema = true;
    },
    authority() {
      if (!state.hasSchema) return undefined;
      // Every event that a relay takes asks, and hardly ever has anything changed since.
      if (seen?.changes !== control.changes()) seen = { changes: control.changes(), authority: readAuthority(control) };
      return seen.authority;
    },
    run(runId) {
      const { rows } = control.run('SELECT mode, status FROM cutover.run WHERE run_id = $1', [runId]);
      return rows[0] as { mode: string; status: string } | undefined;
    },
  };
}

function readAuthority(control: ControlDatabase): ReturnType<Postgres['authority']> {
  const [row] = control.run('SELECT holder, run_id, changed_at FROM cutover.authority', []).rows;
  const found = row as { holder: 'source' | 'target'; run_id: string; changed_at: Date } | undefined;
  return found && { holder: found.holder, runId: found.run_id, changedAt: found.changed_at };
}

/** Waits for the transaction that is open; PostgreSQL gives up by the statement's timeout. */
function turn(waiting: (() => void)[], clock: VirtualClock): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(TRANSACTION_WAIT_SECONDS_MAX, () => {
      waiting.splice(waiting.indexOf(go), 1);
      reject(new Error('canceling statement due to statement timeout'));
    });
    function go(): void {
      cancel();
      resolve();
    }
    waiting.push(go);
  });
}

/** What is asked of the relay's own tables: their digest, samples of events, and what no row of the model can break. */
function rowsOf(tables: Tables, text: string, values: unknown[]): { rows: object[]; rowCount: number } | undefined {
  const name = /FROM "?(relay__\w+)"?/.exec(text)?.[1] as TableName | undefined;
  if (name === undefined) return undefined;
  const rows = tables[name];
  if (text.includes('lane0')) {
    const { count, sum } = sumOf(rows);
    const found: DigestSumRow = { rows: count, lane0: String(sum), lane1: '0', lane2: '0', lane3: '0' };
    return { rows: [found], rowCount: 1 };
  }
  if (name === EVENTS && text.includes('ANY ($1')) {
    const found = selectEvents(rows, { ids: values[0] as string[] }).map(({ id, sig }) => ({ id, sig }));
    return { rows: found, rowCount: found.length };
  }
  if (text.includes('AS violations')) return { rows: [{ violations: 0 }], rowCount: 1 };
  return { rows: [], rowCount: 0 };
}

interface Answers {
  /** A statement that this model has no answer to: a fault of the model, not of whoever sent it. */
  misunderstood(message: string): void;
  timestamp(): string;
  hasSchema(): boolean;
}

interface ControlDatabase {
  open(answers: Answers): void;
  run(statement: string, values: unknown[]): { rows: object[]; rowCount: number };
  inTransaction(): boolean;
  /** Grows with every statement that may have changed something, the ends of transactions included. */
  changes(): number;
}

let shared: ControlDatabase | undefined;

/** One SQLite for all runs of this process, emptied before each. */
function sharedDatabase(): ControlDatabase {
  shared ??= createControlDatabase();
  return shared;
}

function createControlDatabase(): ControlDatabase {
  const database = new Database(':memory:');
  database.exec("ATTACH ':memory:' AS cutover");
  database.exec(CREATE_CONTROL_SCHEMA);
  let answers: Answers | undefined;
  const known = ['cutover.authority', 'cutover.table_progress'];
  database.function('to_regclass', (name) =>
    /^"?relay__/.test(String(name)) || (answers?.hasSchema() && known.includes(String(name))) ? 1 : null,
  );
  const timestamp = (): string => answers?.timestamp() ?? '';
  database.function('starts_with', (text, beginning) => (String(text).startsWith(String(beginning)) ? 1 : 0));
  database.function('now', { deterministic: false }, timestamp);
  database.function('clock_timestamp', { deterministic: false }, timestamp);
  database.function('seconds_between', (from, until) =>
    from === null || until === null ? null : (Date.parse(String(until)) - Date.parse(String(from))) / 1000,
  );
  let changes = 0;
  const prepared = new Map<string, Database.Statement>();
  const prepare = (statement: string): Database.Statement => {
    const found = prepared.get(statement) ?? database.prepare(inSqlite(statement));
    prepared.set(statement, found);
    return found;
  };
  return {
    open(next) {
      if (database.inTransaction) database.exec('ROLLBACK');
      for (const { table } of TIME_DEFAULTS) database.exec(`DELETE FROM cutover.${table}`);
      answers = next;
      changes += 1;
    },
    run(statement, values) {
      try {
        return execute(statement, values);
      } catch (error) {
        if ((error as { code?: string }).code === 'SQLITE_ERROR')
          answers?.misunderstood(`${(error as Error).message}: ${statement}`);
        throw error;
      }
    },
    inTransaction: () => database.inTransaction,
    changes: () => changes,
  };

  function execute(statement: string, values: unknown[]): { rows: object[]; rowCount: number } {
    const found = prepare(statement);
    // The ends of a transaction only read, as SQLite has it, and give no rows.
    if (!found.reader || !found.readonly) changes += 1;
    const bound = Object.fromEntries(values.map((value, place) => [String(place + 1), value]));
    const given = values.length > 0 ? [bound] : [];
    if (found.reader) {
      const rows = (found.all(...given) as Record<string, unknown>[]).map(asTheDriverGives);
      return { rows, rowCount: rows.length };
    }
    const done = found.run(...given);
    if (/^INSERT/.test(statement.trim())) {
      for (const { table, column } of TIME_DEFAULTS)
        prepare(`UPDATE cutover.${table} SET ${column} = clock_timestamp() WHERE ${column} IS NULL`).run();
    }
    return { rows: [], rowCount: done.changes };
  }
}

/** Times as Date, JSON as values. */
function asTheDriverGives(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value !== 'string') continue;
    if (name.endsWith('_at')) row[name] = new Date(value);
    if (name === 'manifest' || name === 'files') row[name] = JSON.parse(value);
  }
  return row;
}
