import { parseConfiguration } from '../../migrator/configuration.ts';
import { run } from '../../migrator/run.ts';
import { announceStatements } from './statement-moments.ts';

// Arguments: the mode, and the number of the moment (from 1) at which the process ends as if by kill -9. A run that comes
// to its end prints the moments that it had, as JSON.
const [mode = '', last = ''] = process.argv.slice(2);
const moments: string[] = [];

function moment(name: string): void {
  if (moments.push(name) === Number(last)) process.kill(process.pid, 'SIGKILL');
}

announceStatements(moment);
await run(parseConfiguration(mode, process.env), {
  say() {},
  finding() {},
  moment,
  rows: () => ({ add() {}, end() {} }),
});
process.stdout.write(JSON.stringify(moments));
