// Runs every benchmark to its end, whatever the others found; the arguments are those of the migrator's.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseOptions } from './options.ts';

const PROGRAMS = ['migrator', 'rehearsal', 'rollback'];

const args = process.argv.slice(2);
// Whoever has mistyped an argument, or asks for help, should not wait for anything.
parseOptions(args);
let ended: NodeJS.Signals | undefined;
for (const program of PROGRAMS) {
  const path = fileURLToPath(new URL(`./${program}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...(program === 'migrator' ? args : [])], {
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to the program itself too, which has to remove its files; to tell it twice would cut that short.
  const stop = (signal: NodeJS.Signals): void => {
    ended = signal;
    if (signal === 'SIGTERM') child.kill(signal);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (ended !== undefined) process.exit(ended === 'SIGINT' ? 130 : 143);
  if (code !== 0) process.exitCode = 1;
}
