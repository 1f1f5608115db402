import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { runProgram } from '../run-program.ts';
import { SCHEMA } from '../source.ts';
import type { WorkFiles } from '../work-files.ts';
import type { Contender } from './contender.ts';

const withoutFullText = ({ directory }: WorkFiles): string => join(directory, 'without-full-text.db');

/** Of the 100,000 that it takes by itself, texts of relays fill its heap of a gigabyte in some of its runs, which ends them. Source: pgloader manual, "prefetch rows". */
const PREFETCH = 'prefetch rows = 10000';

export const PGLOADER: Contender = {
  name: 'pgloader',
  title: 'pgloader',
  remark:
    'without the FTS5 tables; makes no tsvector, no GIN index and no trigger, and verifies nothing; reads 10,000 rows ahead, as 100,000 fill its memory',
  foreign: true,
  rowsOnly: true,
  async absence() {
    return (await isInstalled()) ? undefined : 'not installed';
  },
  async prepare(files) {
    const path = withoutFullText(files);
    copyFileSync(files.source, path);
    const database = new Database(path);
    try {
      for (const ending of ['ai', 'ad', 'au']) database.exec(`DROP TRIGGER ${SCHEMA}__events_${ending}`);
      database.exec(`DROP TABLE ${SCHEMA}__events_fts`);
    } finally {
      database.close();
    }
  },
  source: withoutFullText,
  async run(files, url) {
    // It knows the scheme by its long name only.
    const target = url.replace(/^postgres:/, 'postgresql:');
    const root = join(files.directory, 'pgloader');
    const source = `sqlite://${withoutFullText(files)}`;
    const options = ['--quiet', '--on-error-stop', '--root-dir', root, '--with', PREFETCH];
    const args = [...options, source, target];
    return { seconds: (await runProgram('pgloader', 'pgloader', args)).seconds };
  },
};

async function isInstalled(): Promise<boolean> {
  try {
    await runProgram('pgloader', 'pgloader', ['--version']);
    return true;
  } catch {
    return false;
  }
}
