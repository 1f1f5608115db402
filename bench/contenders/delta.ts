import { join } from 'node:path';
import { changeSource } from '../changed-source.ts';
import { runMigrator } from '../run-migrator.ts';
import type { WorkFiles } from '../work-files.ts';
import type { Contender } from './contender.ts';

const changed = ({ directory }: WorkFiles): string => join(directory, 'changed');

export const DELTA: Contender = {
  name: 'delta',
  title: 'relay-cutover: reconcile',
  remark: 'what is left for the write stop: 1% of the events came, went or were replaced since the load',
  continues: 'ours',
  prepare: async (files) => changeSource(files.source, changed(files)),
  source: changed,
  run: (files, url) => runMigrator(files, 'reconcile', changed(files), url),
};
