import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Name, size, time of change and SHA-256 of everything in a directory. */
export function fileStates(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { size, mtimeNs, ino } = statSync(path, { bigint: true });
      const content = statSync(path).isDirectory() ? fileStates(path).join() : readFileSync(path);
      return `${name} ${size} ${mtimeNs} ${ino} ${createHash('sha256').update(content).digest('hex')}`;
    });
}
