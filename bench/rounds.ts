import pg from 'pg';
import { createDatabase, type TargetDatabase } from '../rehearsal/embedded-postgres.ts';
import { assertComplete } from './completeness.ts';
import type { Contender, Measurement } from './contenders/contender.ts';
import { CONTENDERS } from './contenders.ts';
import type { ContenderResults } from './results.ts';
import type { WorkFiles } from './work-files.ts';

interface Entrant {
  contender: Contender;
  results: ContenderResults;
}

/**
 * Measures all contenders in turn, round by round, so that a slow minute of the machine meets all of them alike.
 *
 * @param events of the source
 * @param say takes a line of progress
 * @throws Error when a contender fails, or leaves another number of rows than its source has
 */
export async function runRounds(
  adminUrl: string,
  files: WorkFiles,
  { events, rounds }: { events: number; rounds: number },
  say: (line: string) => void,
  contenders = CONTENDERS,
): Promise<ContenderResults[]> {
  const entrants: Entrant[] = [];
  for (const contender of contenders) {
    const { name, title, remark } = contender;
    const absence = await absenceOf(contender, events);
    const results = {
      name,
      title,
      remark,
      ...(absence && { absence }),
      seconds: [],
      parts: {},
      peakMemoryMebibytes: [],
    };
    entrants.push({ contender, results });
  }
  // One line a figure: a run of millions of events takes an hour.
  for (let round = 1; round <= rounds; round++) {
    const left = new Map<string, TargetDatabase>();
    for (const entrant of entrants.filter(takesPart)) {
      const { name, title, continues } = entrant.contender;
      const begun = continues === undefined ? undefined : left.get(continues);
      const database = begun ?? (await createDatabase(adminUrl, `bench_${round}_${name.replaceAll('-', '_')}`));
      left.delete(continues ?? '');
      say(`round ${round} of ${rounds}: ${title}: ${await compete(entrant, files, adminUrl, database.url)}`);
      if (entrants.filter(takesPart).some(({ contender }) => contender.continues === name)) left.set(name, database);
      else await dropDatabase(adminUrl, database);
    }
  }
  return entrants.map(({ results }) => results);
}

async function absenceOf({ absence, eventsMax = Infinity }: Contender, events: number): Promise<string | undefined> {
  if (events > eventsMax) return `only up to ${eventsMax.toLocaleString('en-US')} events`;
  return await absence?.();
}

function takesPart({ contender, results }: Entrant): boolean {
  if (results.absence !== undefined) return false;
  return !results.seconds.some((seconds) => seconds > (contender.onceAboveSeconds ?? Infinity));
}

/** Gives what is to be said of it. */
async function compete(
  { contender, results }: Entrant,
  files: WorkFiles,
  adminUrl: string,
  url: string,
): Promise<string> {
  // What others have left in the server's memory is not to be written on this one's time.
  await asAdministrator(adminUrl, 'CHECKPOINT');
  let measured: Measurement;
  try {
    measured = await contender.run(files, url);
    await assertComplete(contender, files, url);
  } catch (error) {
    if (!contender.foreign) throw new Error(`The contender "${contender.title}" failed.`, { cause: error });
    results.absence = 'failed';
    results.seconds = [];
    return `failed: ${(error as Error).message}`;
  }
  const rounded = (number: number): number => Math.round(number * 1000) / 1000;
  results.seconds.push(rounded(measured.seconds));
  for (const [part, seconds] of Object.entries(measured.parts ?? {})) {
    results.parts[part] ??= [];
    results.parts[part].push(rounded(seconds));
  }
  if (measured.peakMemoryMebibytes !== undefined) results.peakMemoryMebibytes.push(measured.peakMemoryMebibytes);
  return `${measured.seconds.toFixed(1)} s`;
}

async function dropDatabase(adminUrl: string, { name, user }: TargetDatabase): Promise<void> {
  await asAdministrator(adminUrl, `DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
  await asAdministrator(adminUrl, `DROP ROLE ${pg.escapeIdentifier(user)}`);
}

async function asAdministrator(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client(adminUrl);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
