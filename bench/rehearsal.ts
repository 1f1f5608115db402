import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, startPostgres } from '../rehearsal/embedded-postgres.ts';
import { unpackBundledData } from '../rehearsal/source-data.ts';
import { runCli } from './run-cli.ts';

/** What the README promises of the rehearsal and the migrator, on the bundled data. */
const GOALS = { rehearsalSeconds: 60, migratorMebibytes: 200 };
const ROUNDS = 3;

/** Peak memory of each mode in MiB, as the migrator itself tells it at its end. */
async function migratorMemory(): Promise<Record<string, number>> {
  const directory = await mkdtemp(join(tmpdir(), 'relay-cutover-bench-'));
  const server = await startPostgres();
  try {
    await unpackBundledData(directory);
    const { url } = await createDatabase(server.adminUrl, 'bench');
    const environment = { SQLITE_PATH: join(directory, 'db'), DATABASE_URL: url };
    const peaks: Record<string, number> = {};
    for (const mode of ['check', 'load', 'reconcile', 'verify']) {
      const { output } = await runCli(['migrate', mode, '--json'], environment);
      peaks[mode] = (
        JSON.parse(output.trimEnd().split('\n').at(-1) as string) as { peakMemoryMebibytes: number }
      ).peakMemoryMebibytes;
    }
    return peaks;
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

const seconds: number[] = [];
for (let round = 0; round < ROUNDS; round++) seconds.push((await runCli(['rehearse'])).seconds);
seconds.sort((a, b) => a - b);
const peaks = await migratorMemory();
const worst = Math.max(...Object.values(peaks));

console.log(
  `npm run rehearse, wall: median ${seconds[1]?.toFixed(1)} s (${seconds[0]?.toFixed(1)} to ${seconds[2]?.toFixed(1)}), goal under ${GOALS.rehearsalSeconds} s`,
);
console.log(
  `migrator, peak memory: ${Object.entries(peaks)
    .map(([mode, peak]) => `${mode} ${peak} MiB`)
    .join(', ')}, goal under ${GOALS.migratorMebibytes} MiB`,
);
if ((seconds[1] as number) >= GOALS.rehearsalSeconds || worst >= GOALS.migratorMebibytes) process.exitCode = 1;
