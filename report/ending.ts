import type { Json } from '../statemachine/asl.ts';
import { messageIn } from '../statemachine/function-cause.ts';
import type { ExecutionAudit } from './execution-audit.ts';

/** How an execution stands or ended, for a person. */
export interface Ending {
  /** `CutoverComplete`, `RolledBack`, `HeldForOperator`, ...; the status where the execution has no word of its own. */
  outcome: string;
  sentence: string;
  /** What is to be done next, one sentence each. */
  next: string[];
  /** 0 done, 1 not done, 2 refused before anything was changed; null while it runs. */
  exitCode: 0 | 1 | 2 | null;
}

type Ended = Pick<ExecutionAudit, 'machine' | 'name' | 'status' | 'output' | 'error' | 'cause'>;

/** The endings of `Fail` states that come before any change. */
const UNCHANGED = ['AnotherExecution', 'PreflightFailed'];

/** Says how an execution ended in its own words, and infers nothing beyond them. */
export function endingOf(execution: Ended): Ending {
  const { machine, name, status, output, error } = execution;
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE')
    return { outcome: status, sentence: `The execution ${name} of ${machine} is under way.`, next: [], exitCode: null };
  if (status === 'SUCCEEDED') return success(machine, output);
  const outcome = error ?? status;
  const sentence = messageIn(execution.cause ?? undefined) ?? `The execution ${name} of ${machine} ended as ${status}.`;
  return { outcome, sentence, next: afterFailure(execution), exitCode: UNCHANGED.includes(outcome) ? 2 : 1 };
}

function success(machine: string, output: Json): Ending {
  const fields = objectOf(output);
  const outcome = textOf(fields.outcome) ?? 'SUCCEEDED';
  const { start } = objectOf(fields.cutover);
  const next = [start, fields.commit, ...listOf(fields.remaining)].map(textOf).filter((text) => text !== undefined);
  const sentence = textOf(fields.sentence) ?? textOf(fields.reason) ?? successSentence(machine, outcome, fields);
  return { outcome, sentence, next, exitCode: 0 };
}

function successSentence(machine: string, outcome: string, fields: Record<string, Json>): string {
  const tables = listOf(fields.tables).map(objectOf);
  const rows = tables.reduce((sum, { target }) => sum + numberOf(objectOf(target).rows), 0);
  const compared = `${rows.toLocaleString('en-US')} rows in ${tables.length} table(s) were compared one by one and are equal`;
  const quarantined = numberOf(fields.quarantinedRows);
  const apart = quarantined > 0 ? `; ${quarantined.toLocaleString('en-US')} row(s) are in quarantine` : '';
  switch (outcome) {
    case 'PrepareComplete':
      return `PostgreSQL stands beside the relay, loaded and proven: ${compared}${apart}. The relay serves from SQLite as before.`;
    case 'CutoverComplete':
      return `The relay serves from PostgreSQL: ${compared}${apart}.`;
    case 'FinalizeComplete':
      return `${numberOf(objectOf(fields.archive).count)} file(s) of SQLite are archived and read back, and the file system is out of the stack.`;
    default:
      return `The execution of ${machine} ended well.`;
  }
}

function afterFailure({ machine, name, status, error }: Ended): string[] {
  const isStopping = machine === 'cutover' || machine === 'rollback';
  if (error === 'HeldForOperator')
    return [
      `Remove the cause, then: relay-cutover redrive ${name}${isStopping ? '. Or give it up: relay-cutover restore' : ''}`,
      'docs/recovery.md says for every state what its failure leaves behind.',
    ];
  const again = machine === 'cutover' ? 'start' : machine;
  if (error !== null && status === 'FAILED' && /^(RolledBack|NotRolledBack|\w+Failed|AnotherExecution)$/.test(error))
    return machine === 'restore' ? [] : [`Once the cause is removed: relay-cutover ${again}`];
  if (isStopping)
    return [
      'It ended without an ending of its own: the machine restore sees to it that a relay serves. Follow it by: relay-cutover watch restore',
    ];
  return [`docs/recovery.md says what it leaves behind. Once the cause is removed: relay-cutover redrive ${name}`];
}

const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: Json | undefined): number => (typeof value === 'number' ? value : 0);
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const objectOf = (value: Json | undefined): Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
