import { parseConfiguration } from '../../migrator/configuration.ts';
import { run } from '../../migrator/run.ts';

// Arguments: the mode, and the number of the moment (from 1) at which the process ends as if by kill -9.
const [mode = '', last = ''] = process.argv.slice(2);
let moments = 0;

await run(parseConfiguration(mode, process.env), {
  say() {},
  moment() {
    if (++moments === Number(last)) process.kill(process.pid, 'SIGKILL');
  },
  rows: () => ({ add() {}, end() {} }),
});
