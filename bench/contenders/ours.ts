import { runMigrator } from '../run-migrator.ts';
import type { Contender } from './contender.ts';

export const OURS: Contender = {
  name: 'ours',
  title: 'relay-cutover: load and verify',
  remark: 'from the SQLite file to the last index, and the digest of every row on both sides, twice',
  source: ({ source }) => source,
  async run(files, url) {
    const load = await runMigrator(files, 'load', files.source, url);
    const verify = await runMigrator(files, 'verify', files.source, url);
    return {
      seconds: load.seconds + verify.seconds,
      parts: { load: load.seconds, verify: verify.seconds },
      peakMemoryMebibytes: Math.max(load.peakMemoryMebibytes, verify.peakMemoryMebibytes),
    };
  },
};
