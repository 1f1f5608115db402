import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../statemachine/asl.ts';

const POLL_MILLISECONDS = 200;

interface Outcome {
  made?: JsonObject;
  failure?: string;
}

/**
 * What takes long to make and is the same for several test files is made by the first of them that asks; the others wait
 * for it. It lies in the temporary directory, which is the test run's own;
 * while `vitest` watches, it stays as it was first made.
 *
 * @throws Error when it could not be made, in each file that asks
 */
export async function onceInRun(name: string, make: () => JsonObject): Promise<JsonObject> {
  const place = join(tmpdir(), name);
  const file = join(place, 'outcome.json');
  if (isFirst(place)) {
    // Under its name it is whole.
    writeFileSync(`${file}.part`, JSON.stringify(outcomeOf(make)));
    renameSync(`${file}.part`, file);
  }
  while (!existsSync(file)) await pause(POLL_MILLISECONDS);
  const { made, failure } = JSON.parse(readFileSync(file, 'utf8')) as Outcome;
  if (made === undefined) throw new Error(failure);
  return made;
}

function isFirst(place: string): boolean {
  try {
    mkdirSync(place);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function outcomeOf(make: () => JsonObject): Outcome {
  try {
    return { made: make() };
  } catch (error) {
    return { failure: (error as Error).stack ?? String(error) };
  }
}
