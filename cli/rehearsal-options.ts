import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FAULTS, type Fault, faultNamed } from '../rehearsal/faults.ts';
import type { RehearsalOptions } from '../rehearsal/stage.ts';
import { Refused } from '../statemachine/errors.ts';
import { wrapped } from './wrapped.ts';

/** What commander makes of the command line. */
export interface RehearseArguments {
  source?: string;
  parameter?: Record<string, string>;
  template?: string;
  oldRelay?: string;
  newRelay?: string;
  databaseUrl?: string;
  quarantine?: boolean;
  exclude?: string[];
  generic?: string[];
  fault?: string[];
  onFailure: 'rollback' | 'hold';
  approval?: 'approve' | 'reject' | 'late';
  then?: 'redrive' | 'rollback' | 'finalize';
  publish: number;
  speed: number;
  json?: string;
  report?: string;
  keep?: boolean;
}

/** Puts the options of `rehearse` on its command; reading them is reading what can be asked for. */
export function addRehearsalOptions(command: Command): Command {
  return command
    .option('--source <directory>', "a relay's data directory with db and db-wal; it is only read")
    .option('--template <file>', "your own template, prepared for a cutover, in place of the bundled one's")
    .option(
      '--parameter <name=value>',
      'a parameter of the template, such as RelayDomainName=relay.example (repeatable)',
      collectPairs,
    )
    .option(
      '--old-relay <command>',
      "a real relay program in place of the stand-in on SQLite; it gets the container's environment, with PORT and DATA of this machine",
    )
    .option('--new-relay <command>', 'the same for the relay on PostgreSQL; it gets DATABASE_URL')
    .option('--database-url <url>', 'a PostgreSQL of yours in place of the embedded one')
    .option(
      '--quarantine',
      'rows of --source that cannot go over are kept out of PostgreSQL, whole in cutover.quarantine',
    )
    .option('--exclude <table>', 'a table of --source of no known kind that stays behind (repeatable)', collect)
    .option('--generic <table>', 'one that goes over as it is (repeatable)', collect)
    .option('--fault <name>', 'make something go wrong, see below (repeatable)', collect)
    .addOption(
      new Option(
        '--on-failure <what>',
        'where a failure leads: the way back, or a halt until the execution is redriven',
      )
        .choices(['rollback', 'hold'])
        .default('rollback'),
    )
    .addOption(
      new Option(
        '--approval <what>',
        'the cutover waits for approval first, and this is what people say to it',
      ).choices(['approve', 'reject', 'late']),
    )
    .addOption(
      new Option(
        '--then <what>',
        'what follows: after a halt the cause is removed and the execution redriven; after a cutover a week of writes and the rollback, or a week and the end of the file system',
      ).choices(['redrive', 'rollback', 'finalize']),
    )
    .option('--publish <count>', 'events a second that a client publishes all the time; 0 for none', rate, 5)
    .option('--speed <factor>', 'how many times faster waits pass than in the cloud', factor, 30)
    .option('--json <file>', 'write what happened to a file: states, tables, verdict, history')
    .option('--report <file>', 'write what happened as one HTML page, or as its JSON where the name ends in .json')
    .option('--keep', 'leave relay and PostgreSQL running at the end, and say how to connect, until Ctrl-C');
}

/** As wide as a terminal mostly is; commander leaves this part as it is. */
const HELP_COLUMNS = 80;

/** The part of the help that no option has place for. */
export const REHEARSE_NOTES = `
Exit codes: 0 the relay serves from PostgreSQL (after a rollback from SQLite)
and every row was proven, 1 it does not (the last line says why), 2 bad input

Faults:
${FAULTS.flatMap(({ name, title }) => wrapped(title, HELP_COLUMNS, `  ${name.padEnd(20)} `)).join('\n')}

Examples:
  relay-cutover rehearse
  relay-cutover rehearse --fault mismatch
  relay-cutover rehearse --fault stack-stuck --on-failure hold --then redrive
  relay-cutover rehearse --approval reject
  relay-cutover rehearse --then rollback
  relay-cutover rehearse --source ./data --parameter RelayDomainName=relay.test
  relay-cutover rehearse --report run.html
  relay-cutover rehearse --old-relay ./zooid-sqlite --new-relay ./zooid-pg`;

/**
 * @throws Refused for a fault that is not on the list, and for --then redrive without a halt that it could follow
 */
export function rehearsalOptions(given: RehearseArguments): Omit<RehearsalOptions, 'settings' | 'signal' | 'observer'> {
  if (given.then === 'redrive' && given.onFailure !== 'hold') {
    throw new Refused('--then redrive follows a halt: say --on-failure hold too.');
  }
  const faults: Fault[] = (given.fault ?? []).map(faultNamed);
  return {
    ...(given.source !== undefined && { sourceDirectory: resolve(given.source) }),
    ...(given.template !== undefined && { templateFile: resolve(given.template) }),
    ...(given.databaseUrl !== undefined && { databaseUrl: given.databaseUrl }),
    parameters: given.parameter ?? {},
    relayCommands: {
      ...(given.oldRelay !== undefined && { old: given.oldRelay }),
      ...(given.newRelay !== undefined && { new: given.newRelay }),
    },
    faults,
    onFailure: given.onFailure,
    ...(given.approval !== undefined && { approval: given.approval }),
    afterwards: given.then ?? 'nothing',
    publishPerSecond: given.publish,
    speed: given.speed,
    storesReports: true,
  };
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

function collectPairs(pair: string, earlier: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`Seen "${pair}", expected NAME=VALUE.`);
  return { ...earlier, [pair.slice(0, at)]: pair.slice(at + 1) };
}

function rate(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1000))
    throw new InvalidArgumentError(`Seen "${text}", expected a number from 0 to 1000.`);
  return value;
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value >= 1)) throw new InvalidArgumentError(`Seen "${text}", expected a number from 1 on.`);
  return value;
}
