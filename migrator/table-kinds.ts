import { Refused } from '../statemachine/errors.ts';

export interface Column {
  name: string;
  type: 'text' | 'int8' | 'int4' | 'float8' | 'bytea';
  /** May be NULL; no column of the relay's own tables may. */
  nullable?: true;
}

/** A table of the source that goes over, with all that the PostgreSQL relay expects of its counterpart. */
export interface Table {
  name: string;
  kind: string;
  columns: Column[];
  /** Statements that make the empty table, without its indexes: they are built after the data, which is many times faster. */
  create: string[];
  /**
   * The same statements for a table that is filled at once from one with the columns alone: the server computes the columns
   * that only it has on several processors then, where a trigger computes row after row.
   */
  createFrom?(filled: string): string[];
  /** Functions that these statements make, as `DROP FUNCTION` names them. */
  functions?: string[];
  /** Statements that make it in SQLite, where a relay may come to have it in PostgreSQL only. */
  createInSource?: string[];
  /** Statements after the data, in any order and side by side, the one that takes longest first; each may run twice. */
  indexes: string[];
  /** Statements after all indexes of all tables; each may run twice. */
  constraints: string[];
  /** Statements after these, beside whatever leaves the rows alone: they look at rows that a constraint has not looked at. Each may run twice. */
  validations?: string[];
  /** Tables of the same file that must be filled first. */
  after: string[];
  /** The column that tells rows apart, where there is one. */
  key?: string;
  /** Of a generic table: the columns that no two rows have alike, and the names of the constraints in the target. */
  keys?: { name: string; columns: string[] }[];
  /** Values of a size that the target may refuse; only the server can say, since it compresses before it measures. */
  limits: SizeLimit[];
  /** What must hold in the target beside the rows. */
  promises: RowPromise[];
}

/** What is true of every row as the statements of the copy and the triggers that they make leave it. */
export interface RowPromise {
  title: string;
  /** The condition under which it is not true of a row. Exact, and it may take long. */
  broken: string;
  /** True of each row whose value may have changed although the row was not written again. Takes no time. */
  suspect: string;
}

export interface SizeLimit {
  columns: string[];
  /** Values that are together no larger are known to fit. */
  bytesMax: number;
  /** Makes temporary objects for the trial. */
  create: string[];
  /** Takes the values of the columns as $1, $2... and fails with program_limit_exceeded when they are too large. */
  trial: string;
}

interface TableKind {
  title: string;
  pattern: RegExp;
  table(name: string, schema: string): Table;
}

const text = (...names: string[]): Column[] => names.map((name) => ({ name, type: 'text' }));

/** PostgreSQL cuts longer names off in silence, and two of them may then be one. */
export const IDENTIFIER_BYTES_MAX = 63;

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function index(name: string, table: string, expression: string): string {
  return `CREATE INDEX IF NOT EXISTS ${quoteIdentifier(name)} ON ${quoteIdentifier(table)} ${expression}`;
}

/** An entry of a B-tree takes a third of a page at most: 2,704 bytes less the header. Source: PostgreSQL manual, "B-Tree Indexes". */
export function indexLimit(
  indexName: string,
  columns: Column[],
  indexed = columns.map(({ name }) => quoteIdentifier(name)).join(', '),
): SizeLimit {
  // Numbers arrive as their text.
  const casts: Record<Column['type'], string> = {
    text: 'text',
    bytea: 'bytea',
    int4: 'text::int4',
    int8: 'text::int8',
    float8: 'text::float8',
  };
  return {
    columns: columns.map(({ name }) => name),
    bytesMax: 2_600,
    create: [
      `CREATE TEMP TABLE cutover_trial (${columns.map(columnDefinition).join(', ')}) ON COMMIT DROP`,
      `CREATE INDEX ${quoteIdentifier(indexName)} ON cutover_trial (${indexed})`,
    ],
    trial: `INSERT INTO cutover_trial VALUES (${columns.map(({ type }, position) => `$${position + 1}::${casts[type]}`).join(', ')})`,
  };
}

/** A tsvector takes a megabyte at most; a short word of the text may need several times its bytes there. Source: PostgreSQL manual, "Limitations" of full text search. */
const SEARCH_VECTOR_LIMIT: SizeLimit = {
  columns: ['content'],
  bytesMax: 100_000,
  create: [],
  trial: "SELECT to_tsvector('english', $1::text) IS NULL",
};

/** `ALTER TABLE ... ADD CONSTRAINT` knows no IF NOT EXISTS; the name is looked up first, so that the statement may run twice. */
export function constraint(name: string, table: string, definition: string): string {
  const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const body = `BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = ${literal(name)} AND conrelid = ${literal(quoteIdentifier(table))}::regclass) THEN
    ALTER TABLE ${quoteIdentifier(table)} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition};
  END IF;
END`;
  // A schema may be called like the quotes of the block.
  let tag = '$do$';
  while (body.includes(tag)) tag = tag.replace(/.$/, '_$');
  return `DO ${tag} ${body} ${tag}`;
}

/** A key that is made of rows locks its table against every other index; a unique index that becomes the key afterwards does not. */
function uniqueIndex(name: string, table: string, expression: string): string {
  return index(name, table, expression).replace('CREATE INDEX', 'CREATE UNIQUE INDEX');
}

function primaryKey(table: string): string {
  const name = `${table}_pkey`;
  return constraint(name, table, `PRIMARY KEY USING INDEX ${quoteIdentifier(name)}`);
}

/** The types of columns as `format_type` spells them. */
export const SQL_TYPES: Record<Column['type'], string> = {
  text: 'text',
  bytea: 'bytea',
  int4: 'integer',
  int8: 'bigint',
  float8: 'double precision',
};

/** A column as `CREATE TABLE` names it. */
export function columnDefinition({ name, type }: Column): string {
  return `${quoteIdentifier(name)} ${SQL_TYPES[type].toUpperCase()}`;
}

export function createTable(name: string, columns: Column[], extra: string[] = []): string {
  const lines = [
    ...columns.map((column) => `${columnDefinition(column)}${column.nullable ? '' : ' NOT NULL'}`),
    ...extra,
  ];
  return `CREATE TABLE ${quoteIdentifier(name)} (\n  ${lines.join(',\n  ')}\n)`;
}

/**
 * Every kind of table that the relay has, and what its PostgreSQL version expects to find: the same names as in SQLite,
 * created_at as BIGINT, and full-text search by a trigger on `search_vector` in place of FTS5.
 */
export const TABLE_KINDS: TableKind[] = [
  {
    title: 'events',
    pattern: /^(.+)__events$/,
    table(name, schema) {
      const columns: Column[] = [
        ...text('id'),
        { name: 'created_at', type: 'int8' },
        { name: 'kind', type: 'int4' },
        ...text('pubkey', 'content', 'tags', 'sig'),
      ];
      const searchFunction = quoteIdentifier(`${schema}_update_search_vector`);
      const searchTrigger = quoteIdentifier(`${schema}_events_search_update`);
      const search = [
        `CREATE OR REPLACE FUNCTION ${searchFunction}() RETURNS trigger AS $body$
BEGIN
  NEW.search_vector := to_tsvector('english', coalesce(NEW.content, ''));
  RETURN NEW;
END
$body$ LANGUAGE plpgsql`,
        `CREATE TRIGGER ${searchTrigger} BEFORE INSERT OR UPDATE ON ${quoteIdentifier(name)}
FOR EACH ROW EXECUTE FUNCTION ${searchFunction}()`,
      ];
      const names = columns.map((column) => quoteIdentifier(column.name));
      return {
        name,
        kind: 'events',
        columns,
        create: [createTable(name, columns, ['search_vector tsvector']), ...search],
        createFrom: (filled) => [
          `CREATE TABLE ${quoteIdentifier(name)} AS
SELECT ${names.join(', ')}, to_tsvector('english', content) AS search_vector FROM ${filled}`,
          `ALTER TABLE ${quoteIdentifier(name)} ${names.map((column) => `ALTER COLUMN ${column} SET NOT NULL`).join(', ')}`,
          ...search,
        ],
        functions: [`${searchFunction}()`],
        indexes: [
          index(`${schema}__idx_events_search`, name, 'USING GIN (search_vector)'),
          uniqueIndex(`${name}_pkey`, name, '(id)'),
          index(`${schema}__idx_events_created_at`, name, '(created_at)'),
          index(`${schema}__idx_events_kind`, name, '(kind)'),
          index(`${schema}__idx_events_pubkey`, name, '(pubkey)'),
          index(`${schema}__idx_events_kind_pubkey`, name, '(kind, pubkey)'),
          index(`${schema}__idx_events_kind_pubkey_created_at`, name, '(kind, pubkey, created_at DESC)'),
        ],
        constraints: [primaryKey(name)],
        after: [],
        key: 'id',
        limits: [
          SEARCH_VECTOR_LIMIT,
          indexLimit(
            `${schema}__idx_events_kind_pubkey_created_at`,
            text('pubkey'),
            '(1::int4), "pubkey", (1::int8) DESC',
          ),
        ],
        promises: [
          {
            title: 'every event can be found by its text',
            broken: `search_vector IS DISTINCT FROM to_tsvector('english', coalesce(content, ''))`,
            // A column that is dropped and added again writes no row, and has NULL or its default everywhere. An empty
            // tsvector takes 5 bytes in a row, and one of a single letter 10; to ask for its length would unpack long ones.
            suspect: 'search_vector IS NULL OR pg_column_size(search_vector) < 9',
          },
        ],
      };
    },
  },
  {
    title: 'event_tags',
    pattern: /^(.+)__event_tags$/,
    table(name, schema) {
      const columns = text('event_id', 'key', 'value');
      const events = `${schema}__events`;
      const foreignKey = `${name}_event_id_fkey`;
      return {
        name,
        kind: 'event_tags',
        columns,
        create: [createTable(name, columns)],
        indexes: [
          index(`${schema}__idx_event_tags_key_value`, name, '(key, value)'),
          index(`${schema}__idx_event_tags_event_id`, name, '(event_id)'),
          index(`${schema}__idx_event_tags_key`, name, '(key)'),
        ],
        constraints: [
          constraint(
            foreignKey,
            name,
            `FOREIGN KEY (event_id) REFERENCES ${quoteIdentifier(events)} (id) ON DELETE CASCADE NOT VALID`,
          ),
        ],
        validations: [`ALTER TABLE ${quoteIdentifier(name)} VALIDATE CONSTRAINT ${quoteIdentifier(foreignKey)}`],
        after: [events],
        limits: [indexLimit(`${schema}__idx_event_tags_key_value`, text('key', 'value'))],
        promises: [],
      };
    },
  },
  {
    title: 'kv',
    pattern: /^kv$/,
    table(name) {
      const columns = text('key', 'value');
      return {
        name,
        kind: 'kv',
        columns,
        create: [createTable(name, columns)],
        createInSource: [
          'CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL)',
          'CREATE INDEX idx_kv_key ON kv(key)',
        ],
        indexes: [uniqueIndex('kv_pkey', name, '(key)'), index('idx_kv_key', name, '(key)')],
        constraints: [primaryKey(name)],
        after: [],
        key: 'key',
        limits: [indexLimit('kv_pkey', text('key'))],
        promises: [],
      };
    },
  },
];

// The PostgreSQL relay searches through search_vector, so FTS5's own tables stay behind.
const SKIPPED = [/^sqlite_/, /^.+__events_fts(_data|_idx|_content|_docsize|_config)?$/];

/** What a table name of the source stands for: a table that goes over, one that is known to stay behind, or neither. */
export function classify(name: string): Table | 'skipped' | 'unknown' {
  if (SKIPPED.some((pattern) => pattern.test(name))) return 'skipped';
  for (const kind of TABLE_KINDS) {
    const match = kind.pattern.exec(name);
    if (match) return kind.table(name, match[1] ?? '');
  }
  return 'unknown';
}

/** The table behind a name that a manifest holds. @throws Refused when no table kind has such a name */
export function tableNamed(name: string): Table {
  const table = classify(name);
  if (typeof table === 'string')
    throw new Refused(
      `No table kind is known for "${name}": expected one of ${TABLE_KINDS.map((kind) => kind.title).join(', ')}.`,
    );
  return table;
}
