import { bundledProgram } from '../../rehearsal/bundled-program.ts';
import type { Program } from '../../rehearsal/ecs/container.ts';
import type { When } from './killer.ts';

/** What the migrator has said when it dies; `before`: it dies before it says anything. */
const LAST_WORDS: Record<When, RegExp | undefined> = {
  before: undefined,
  during: /"name":"(compared|table filled|file archived): /,
  // All is done and recorded; only its exit code will say something else.
  after: /"name":"run verified"/,
};

/**
 * The migrator's own program, which ends itself as if by kill -9 with the last words still on its lips: whoever listens to
 * its log and kills it from outside comes too late for a moment that is followed by the end.
 */
export function dyingMigrator(when: When): Program {
  const words = LAST_WORDS[when];
  const die = "process.kill(process.pid, 'SIGKILL')";
  const script = words
    ? `const write = process.stdout.write.bind(process.stdout);
       process.stdout.write = (text, ...rest) => { const done = write(text, ...rest); if (${words}.test(String(text))) ${die}; return done; };`
    : die;
  const program = bundledProgram(new URL('../../cli/migrate-program.ts', import.meta.url));
  const preloaded = `data:text/javascript,${encodeURIComponent(script)}`;
  return { command: process.execPath, args: ['--import', preloaded, program, '--json'] };
}
