import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import { createStopwatch } from '../../migrator/stopwatch.ts';
import type { Table } from '../../migrator/table-kinds.ts';
import { textPath, writeTexts } from '../copy-texts.ts';
import { TABLES, type WorkFiles } from '../work-files.ts';
import type { Contender, Measurement } from './contender.ts';

const READ_BYTES = 256 * 1024;
const [EVENTS, TAGS, KEY_VALUES] = TABLES as [Table, Table, Table];

/** A piece of a table's text file: bytes from `start` to before `end`. */
interface Piece {
  table: Table;
  start: number;
  end: number;
}

/** What PostgreSQL alone takes for the rows, from the first byte of them on: connections, tables and texts are there before the clock starts. */
export const FLOORS: Contender[] = [
  {
    name: 'floor',
    title: 'floor',
    remark:
      'COPY of ready-made text on three connections with the relay’s trigger, indexes, foreign key; reads no SQLite, verifies nothing',
    prepare: writeTexts,
    source: ({ source }) => source,
    run: async (files, url) => measure(files, url, await eventsInHalves(files)),
  },
  {
    name: 'floor-by-table',
    title: 'floor, one connection for each table',
    remark: 'the same, with all events on one of them',
    prepare: writeTexts,
    source: ({ source }) => source,
    run: async (files, url) =>
      measure(files, url, await Promise.all(TABLES.map(async (table) => [await whole(files, table)]))),
  },
];

async function eventsInHalves(files: WorkFiles): Promise<Piece[][]> {
  const events = await whole(files, EVENTS);
  const middle = await lineStart(textPath(files, EVENTS), Math.floor(events.end / 2));
  return [
    [{ ...events, end: middle }],
    [{ ...events, start: middle }],
    [await whole(files, TAGS), await whole(files, KEY_VALUES)],
  ];
}

async function whole(files: WorkFiles, table: Table): Promise<Piece> {
  return { table, start: 0, end: (await stat(textPath(files, table))).size };
}

/** The first byte of a line at or after the position. */
async function lineStart(path: string, position: number): Promise<number> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    for (let start = position; ; start += buffer.length) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
      const found = buffer.subarray(0, bytesRead).indexOf('\n');
      if (found >= 0) return start + found + 1;
      if (bytesRead === 0) return start;
    }
  } finally {
    await file.close();
  }
}

/** @param pieces for each connection, in the order in which it copies them */
async function measure(files: WorkFiles, url: string, pieces: Piece[][]): Promise<Measurement> {
  const clients = pieces.map(() => new pg.Client(url));
  const { timed, seconds } = createStopwatch();
  try {
    for (const client of clients) await client.connect();
    for (const statement of TABLES.flatMap(({ create }) => create)) await clients[0]?.query(statement);
    await timed('copy', () =>
      onEach(clients, async (client, number) => {
        for (const piece of pieces[number] as Piece[]) await copy(client, files, piece);
      }),
    );
    await timed('indexes', () => runAll(clients, buildingOrder(TABLES)));
    await timed('foreign key', () =>
      runAll(
        clients,
        TABLES.flatMap(({ constraints }) => constraints),
      ),
    );
    await timed('foreign key', () =>
      runAll(
        clients,
        TABLES.flatMap(({ validations = [] }) => validations),
      ),
    );
  } finally {
    for (const client of clients) await client.end();
  }
  const parts = seconds();
  return { seconds: Object.values(parts).reduce((sum, part) => sum + part), parts };
}

async function copy(client: pg.Client, files: WorkFiles, { table, start, end }: Piece): Promise<void> {
  if (start === end) return;
  const columns = table.columns.map(({ name }) => name).join(', ');
  await pipeline(
    createReadStream(textPath(files, table), { start, end: end - 1, highWaterMark: READ_BYTES }),
    client.query(from(`COPY ${table.name} (${columns}) FROM STDIN`)),
  );
}

/** Those that take longest first, so that no connection is left alone at the end. */
function buildingOrder(tables: Table[]): string[] {
  const ranks = [/USING GIN/, /event_tags/, /./];
  const rank = (statement: string): number => ranks.findIndex((pattern) => pattern.test(statement));
  return tables.flatMap(({ indexes }) => indexes).sort((one, other) => rank(one) - rank(other));
}

async function runAll(clients: pg.Client[], statements: string[]): Promise<void> {
  const queue = [...statements];
  await onEach(clients, async (client) => {
    for (let statement = queue.shift(); statement !== undefined; statement = queue.shift())
      await client.query(statement);
  });
}

/** Waits for all, also where one of them has failed. */
async function onEach(clients: pg.Client[], work: (client: pg.Client, number: number) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(clients.map(work));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
