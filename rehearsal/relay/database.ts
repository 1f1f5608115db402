export type Row = Record<string, unknown>;
export type Parameter = string | number;

/** Runs one statement with `$1`, `$2`... for its parameters, which SQLite and PostgreSQL both understand, and gives the rows it returns. */
export type Run = (sql: string, parameters?: Parameter[]) => Promise<Row[]>;

/** What the relay needs of a database. The tables exist once it is open. */
export interface RelayDatabase {
  read: Run;
  /** A condition on the rows of a schema's events: those whose text has all words of the parameter at `place`, such as `$2`. */
  textCondition(schema: string, place: string): string;
  /** Commits what `work` did, all of it or, when it throws, nothing. One transaction runs at a time. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>;
  /** Ends the process's use of the database the way the relay's image does. */
  leave(): Promise<void>;
}

/** Gives a function that runs what it is handed one after another, in the order of the calls. */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Quotes a name for both databases. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The indexes that both relays keep, by the end of their names; each name begins with the schema and `__idx_`. */
export function indexes(schema: string): { name: string; table: string; columns: string }[] {
  const of = (table: string, columns: string, ending: string) => ({
    name: `${schema}__idx_${table}_${ending}`,
    table: `${schema}__${table}`,
    columns,
  });
  return [
    of('events', 'created_at', 'created_at'),
    of('events', 'kind', 'kind'),
    of('events', 'pubkey', 'pubkey'),
    of('events', 'kind, pubkey', 'kind_pubkey'),
    of('events', 'kind, pubkey, created_at DESC', 'kind_pubkey_created_at'),
    of('event_tags', 'event_id', 'event_id'),
    of('event_tags', 'key', 'key'),
    of('event_tags', 'key, value', 'key_value'),
    { name: 'idx_kv_key', table: 'kv', columns: 'key' },
  ];
}
