import { join } from 'node:path';
import type { Place } from './migrator.ts';
import { freshDatabase } from './postgres.ts';
import { temporaryDirectory } from './relay-process.ts';
import { createRelaySource } from './relay-source.ts';

export const MODES = ['check', 'load', 'reconcile', 'verify'];

export interface Scene extends Place {
  directory: string;
  password: string;
  user: string;
}

/** A good source alone in its directory, and an empty target. */
export async function scene(): Promise<Scene> {
  const directory = await temporaryDirectory();
  const sqlitePath = join(directory, 'db');
  createRelaySource(sqlitePath, { events: 20 });
  return { directory, sqlitePath, ...(await freshDatabase()) };
}
