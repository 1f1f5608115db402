import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { FAULTS } from '../rehearsal/faults.ts';
import { Refused } from '../statemachine/errors.ts';
import { parseSettings } from '../statemachine/settings.ts';
import { closingLines, createRehearsalView } from './rehearsal-view.ts';

interface RehearseOptions {
  source?: string;
  parameter?: Record<string, string>;
  databaseUrl?: string;
  fault?: string;
  publish: number;
  speed: number;
  json?: string;
}

export function rehearseCommand(): Command {
  return new Command('rehearse')
    .summary('run a whole cutover on this machine, without AWS')
    .description(
      'Runs a whole cutover on this machine: the state machine itself, real PostgreSQL, a relay that speaks NIP-01 over WebSocket, and the migrator. Only AWS is stood in for. Without options it takes the data of a real relay that comes along.',
    )
    .option('--source <directory>', "a relay's data directory with db and db-wal; it is only read")
    .option(
      '--parameter <name=value>',
      'a parameter of the template, such as RelayDomainName=relay.example (repeatable)',
      collect,
    )
    .option('--database-url <url>', 'a PostgreSQL of yours in place of the embedded one')
    .option('--fault <name>', `make something go wrong: ${FAULTS.map(({ name }) => name).join(', ')}`)
    .option('--publish <count>', 'events that a client publishes while the load runs', count, 3)
    .option('--speed <factor>', 'how many times faster waits pass than in the cloud', factor, 30)
    .option('--json <file>', 'write what happened to a file: states, tables, verdict, history')
    .addHelpText(
      'after',
      `
Exit codes: 0 the relay serves from PostgreSQL and every row was proven, 1 it does not (the last line says why), 2 bad input

Faults:
${FAULTS.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n')}

Examples:
  relay-cutover rehearse
  relay-cutover rehearse --fault mismatch
  relay-cutover rehearse --source ./data --parameter RelayDomainName=relay.example --json run.json`,
    )
    .action(async (options: RehearseOptions) => {
      process.exitCode = await perform(options);
    });
}

async function perform(options: RehearseOptions): Promise<number> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const interrupted = new AbortController();
  let signalCode = 0;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      // The second time somebody does not want to wait for the orderly way out.
      if (interrupted.signal.aborted) process.exit(code);
      signalCode = code;
      interrupted.abort(new Error('Interrupted; everything that was started is being ended.'));
    });
  }
  try {
    // The SDK warns of Node 20 on every start. Here it only shapes requests to the local AWS; the functions run on Node 24.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
    // Loaded on demand: the migrator is started through the same program and needs none of it.
    const { rehearse } = await import('../rehearsal/rehearse.ts');
    const record = await rehearse({
      settings: parseSettings(),
      ...(options.source !== undefined && { sourceDirectory: resolve(options.source) }),
      parameters: options.parameter ?? {},
      ...(options.databaseUrl !== undefined && { databaseUrl: options.databaseUrl }),
      ...(options.fault !== undefined && { faultName: options.fault }),
      publish: options.publish,
      speed: options.speed,
      signal: interrupted.signal,
      observer: createRehearsalView(write),
    });
    for (const line of closingLines(record)) write(line);
    if (options.json) await writeFile(options.json, `${JSON.stringify(record, null, 2)}\n`);
    return record.exitCode;
  } catch (error) {
    const refused = error instanceof Refused;
    process.stderr.write(`${refused ? 'Refused' : 'Failed'}: ${(error as Error).message}\n`);
    return signalCode || (refused ? 2 : 1);
  }
}

function collect(pair: string, earlier: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`Seen "${pair}", expected NAME=VALUE.`);
  return { ...earlier, [pair.slice(0, at)]: pair.slice(at + 1) };
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 1000)
    throw new InvalidArgumentError(`Seen "${text}", expected a whole number from 0 to 1000.`);
  return value;
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value >= 1)) throw new InvalidArgumentError(`Seen "${text}", expected a number from 1 on.`);
  return value;
}
