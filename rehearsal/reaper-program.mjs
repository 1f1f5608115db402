// Runs beside a rehearsal and ends with it. A process that is killed has no last word: its end is seen by that of the pipe
// which leads here, and what it has left behind is then ended and removed by this program. Plain JavaScript, so that it is
// there at once. Lines of input: `+ <kind> <what>`, and `- <kind> <what>` when that is nobody's concern any more.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const entrusted = new Set();
const PAUSE_MILLISECONDS = 50;
const TRIES_MAX = 200;
/** A server that ends, or an initdb that has just lost its directory, writes on for a moment. */
const GONE_FOR_TRIES = 4;

// Only the end of the rehearsal counts; a signal that a terminal sends to all of its programs does not.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('+ ')) entrusted.add(line.slice(2));
  else entrusted.delete(line.slice(2));
}
const of = (kind) =>
  [...entrusted].filter((one) => one.startsWith(`${kind} `)).map((one) => one.slice(kind.length + 1));

for (const pid of of('process')) end(Number(pid), 'SIGKILL');
const servers = of('server');
const directories = [...servers, ...of('directory')];
for (let tries = 0, goneFor = 0; tries < TRIES_MAX && goneFor < GONE_FOR_TRIES; tries++) {
  for (const directory of servers) endServer(directory);
  goneFor = directories.some((one) => existsSync(one)) ? 0 : goneFor + 1;
  for (const directory of directories) remove(directory);
  await pause(PAUSE_MILLISECONDS);
}

/** SIGQUIT is PostgreSQL's immediate shutdown: the postmaster takes its children along. */
function endServer(directory) {
  try {
    end(Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGQUIT');
  } catch {
    // It is not there yet, or has ended already.
  }
}

function end(pid, signal) {
  try {
    // A pid file that is just being written is empty, and 0 would be the group of this very process.
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

function remove(directory) {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // A file came into it meanwhile; the next try removes that too.
  }
}
