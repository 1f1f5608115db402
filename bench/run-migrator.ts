import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement } from './contenders/contender.ts';
import { runProgram } from './run-program.ts';
import type { WorkFiles } from './work-files.ts';

const DOCKERFILE = new URL('../migrator/Dockerfile', import.meta.url);

/** What the image gives Node. @throws Error when the Dockerfile does not say it */
function nodeOptions(): string {
  const options = /NODE_OPTIONS="([^"]+)"/.exec(readFileSync(DOCKERFILE, 'utf8'))?.[1];
  if (options === undefined) throw new Error('migrator/Dockerfile has no line with NODE_OPTIONS="...".');
  return options;
}

/**
 * Runs one mode of the migrator as it is shipped: its bundle, in a process of its own, from the start of Node to its end.
 *
 * @param sqlitePath the source
 * @param url of the target
 * @throws Error with what the migrator said when it does not end verified
 */
export async function runMigrator(
  files: WorkFiles,
  mode: string,
  sqlitePath: string,
  url: string,
): Promise<Required<Omit<Measurement, 'parts'>>> {
  const { seconds, output } = await runProgram(
    `relay-cutover migrate ${mode}`,
    process.execPath,
    [join(files.migrator, 'migrate.mjs'), mode, '--json'],
    {
      SQLITE_PATH: sqlitePath,
      DATABASE_URL: url,
      CUTOVER_SCRATCH_DIRECTORY: files.scratch,
      NODE_OPTIONS: nodeOptions(),
    },
  );
  const result = JSON.parse(output.trimEnd().split('\n').at(-1) as string) as { peakMemoryMebibytes: number };
  return { seconds, peakMemoryMebibytes: result.peakMemoryMebibytes };
}
