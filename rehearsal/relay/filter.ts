import type { Filter } from 'nostr-tools/filter';
import { z } from 'zod';
import { identifier, type Parameter, type RelayDatabase } from './database.ts';

/** The most events that one filter gets, whatever limit it names (NIP-01 leaves that to the relay). */
export const EVENTS_PER_FILTER_MAX = 1_000;

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const filterSchema = z.looseObject({
  ids: z.array(hex).optional(),
  authors: z.array(hex).optional(),
  kinds: z.array(count).optional(),
  since: count.optional(),
  until: count.optional(),
  limit: count.optional(),
  search: z.string().optional(),
});
const tagValues = z.array(z.string());

/**
 * Reads a filter that a client sent (NIP-01). Fields that the relay does not know are ignored.
 *
 * @throws Error that names the first field of another form
 */
export function parseFilter(value: unknown): Filter {
  const parsed = filterSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(`the filter's ${issue?.path.join('.') || 'form'} is wrong: ${issue?.message}`);
  }
  for (const [name, values] of tagFields(parsed.data)) {
    if (!tagValues.safeParse(values).success) throw new Error(`the filter's #${name} is no list of strings`);
  }
  return parsed.data as Filter;
}

/**
 * The SELECT that answers a filter from the tables of a schema: newest first, at the same second the lower id first.
 *
 * @param textCondition how the database finds events by their text (NIP-50)
 */
export function filterQuery(
  filter: Filter,
  schema: string,
  textCondition: RelayDatabase['textCondition'],
): { sql: string; parameters: Parameter[] } {
  const parameters: Parameter[] = [];
  const bind = (value: Parameter): string => `$${parameters.push(value)}`;
  // Neither database takes an empty list; a filter with one matches nothing.
  const among = (column: string, values: Parameter[]): string =>
    values.length === 0 ? '1 = 0' : `${column} IN (${values.map(bind).join(', ')})`;

  const conditions: string[] = [];
  if (filter.ids) conditions.push(among('id', filter.ids));
  if (filter.authors) conditions.push(among('pubkey', filter.authors));
  if (filter.kinds) conditions.push(among('kind', filter.kinds));
  if (filter.search) conditions.push(textCondition(schema, bind(filter.search)));
  if (filter.since !== undefined) conditions.push(`created_at >= ${bind(filter.since)}`);
  if (filter.until !== undefined) conditions.push(`created_at <= ${bind(filter.until)}`);
  for (const [name, values] of tagFields(filter)) {
    const tags = identifier(`${schema}__event_tags`);
    const value = among('value', values as string[]);
    conditions.push(`id IN (SELECT event_id FROM ${tags} WHERE key = ${bind(name)} AND ${value})`);
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const limit = bind(Math.min(filter.limit ?? EVENTS_PER_FILTER_MAX, EVENTS_PER_FILTER_MAX));
  return {
    sql: `SELECT id, created_at, kind, pubkey, content, tags, sig FROM ${identifier(`${schema}__events`)} ${where}
      ORDER BY created_at DESC, id LIMIT ${limit}`,
    parameters,
  };
}

function tagFields(filter: object): [string, unknown][] {
  return Object.entries(filter).flatMap(([name, values]): [string, unknown][] =>
    /^#[A-Za-z]$/.test(name) ? [[name.slice(1), values]] : [],
  );
}
