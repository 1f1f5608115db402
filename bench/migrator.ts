import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startPostgres } from '../rehearsal/embedded-postgres.ts';
import { CONTENDERS } from './contenders.ts';
import { judge } from './goals.ts';
import { parseOptions } from './options.ts';
import { plot } from './plot.ts';
import { missedLines, table } from './report.ts';
import { REFERENCE_EVENTS, RESULTS_DIRECTORY, type Results, readResults } from './results.ts';
import { runRounds } from './rounds.ts';
import { runProgram } from './run-program.ts';
import { SCHEMA } from './source.ts';
import { countRows, workFiles } from './work-files.ts';

const PREPARE = fileURLToPath(new URL('./prepare.ts', import.meta.url));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { events, seed, rounds, only, results: kept } = parseOptions(process.argv.slice(2));
// Ctrl-C reaches the handlers on exit, which end and remove everything; a second one must not cut them short.
process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143));

const files = workFiles(await mkdtemp(join(tmpdir(), 'relay-cutover-bench-')));
const removeFiles = (): void =>
  rmSync(files.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
process.once('exit', removeFiles);

say(`Generating ${events.toLocaleString('en-US')} events (seed ${seed}) ...`);
const asked = CONTENDERS.filter(({ name }) => only?.includes(name) ?? true);
const names = asked.map(({ name }) => name).join(',');
const preparation = [PREPARE, files.directory, String(events), String(seed), names];
await runProgram('prepare.ts', process.execPath, ['--import', 'tsx', ...preparation]);
// As on RDS.
const server = await startPostgres({ dynamic_shared_memory_type: 'posix' });
try {
  const contenders = await runRounds(server.adminUrl, files, { events, rounds }, say, asked);
  const rows = countRows(files.source);
  const results: Results = {
    ...{ date: new Date().toISOString().slice(0, 10), seed, rounds, events },
    tags: rows.get(`${SCHEMA}__event_tags`) ?? 0,
    keyValues: rows.get('kv') ?? 0,
    ...{ cores: availableParallelism(), node: process.versions.node, postgres: await postgresVersion(server.adminUrl) },
    contenders,
  };
  const verdicts = judge(results, readResults(kept ?? RESULTS_DIRECTORY, REFERENCE_EVENTS));
  const text = table(results, verdicts);
  if (kept !== undefined) {
    await mkdir(kept, { recursive: true });
    await writeFile(join(kept, `${events}.json`), `${JSON.stringify(results, null, 2)}\n`);
    await writeFile(join(kept, `${events}.md`), text);
    await writeFile(join(kept, `${events}.svg`), plot(results));
  }
  const missed = missedLines(verdicts);
  for (const line of ['', text, ...missed]) say(line);
  if (missed.length > 0) process.exitCode = 1;
} finally {
  await server.stop();
}

async function postgresVersion(url: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    // A distribution adds its own name after the number.
    return ((await client.query('SHOW server_version')).rows[0].server_version as string).split(' ')[0] as string;
  } finally {
    await client.end();
  }
}
