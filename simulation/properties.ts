import type { HistoryEvent } from '../rehearsal/interpreter/execution.ts';
import { forwardSeconds } from '../statemachine/settings.ts';
import { kindOf } from './fault-kinds.ts';
import { isExcused, type Store } from './records.ts';
import { OLD_IMAGE } from './relay-template.ts';
import { EVENTS, TABLES } from './rows.ts';
import type { RunResult } from './run.ts';

/** Something that has to be true of every run, whatever went wrong in it. */
export interface Property {
  title: string;
  /** What was seen instead, one sentence each. */
  violations(run: RunResult): string[];
}

/** How an execution may end that has come to its end by itself. */
const ERRORS_KNOWN = [
  ...['RolledBack', 'NotRolledBack', 'PreflightFailed', 'AnotherExecution', 'Superseded', 'PrepareFailed'],
  ...['FinalizeFailed', 'HeldForOperator', 'StoppedByHand'],
];

/** The way back of `cutover` and the first state of `restore` fail where they stand; so does a halt, whose own call fails. */
const MAY_FAIL_ANYWHERE = ['cutover', 'restore'];

/** For how long an execution that has lost the lock may still come to the end of one call. */
const CALL_SECONDS = 60;

/** Beside the deadline itself: one call that hangs, its retries, and the way of a failure to the way back. */
const DEADLINE_SLACK_SECONDS = 150;

/** The promises of the design, as far as a run can break them. */
export const PROPERTIES: Property[] = [
  {
    title: 'the model understands what is asked of it',
    violations: ({ cloud }) => cloud.records.misunderstood.slice(0, 3),
  },
  {
    title: 'no relay begins to serve where an accepted event is missing',
    violations: ({ cloud }) =>
      cloud.records.starts
        .filter(({ byHand, missing }) => !byHand && missing.length > 0)
        .map(
          ({ atSeconds, store, holder, missing }) =>
            `at ${atSeconds} s a relay on ${store} began to serve without ${missing.length} accepted event(s), authority with the ${holder}`,
        ),
  },
  {
    title: 'at the end every accepted event stands, once and with its tags, where the relay serves from',
    violations: ({ cloud }) => {
      const relay = cloud.relays.running.find(({ isTarget }) => isTarget);
      if (!relay) return [];
      const tables = relay.store === 'sqlite' ? cloud.file.tables : cloud.postgres.tables;
      const expected = cloud.records.accepted.filter((one) => !isExcused(one));
      return TABLES.flatMap(({ table }) => {
        const lost = expected.filter(({ id }) => !tables[table].has(id));
        const doubled = [...tables[table]].filter(([, times]) => times > 1);
        return [
          ...(lost.length > 0 ? [`${lost.length} accepted event(s) are not in ${table} of ${relay.store}`] : []),
          ...(doubled.length > 0 ? [`${doubled.length} row(s) of ${table} of ${relay.store} are there twice`] : []),
        ];
      });
    },
  },
  {
    title: 'never two writers at once',
    violations: ({ cloud }) =>
      cloud.records.starts
        .filter(({ byHand, others }) => !byHand && others.length > 0)
        .map(
          ({ atSeconds, store, others }) => `at ${atSeconds} s a relay on ${store} began beside ${others.join(', ')}`,
        ),
  },
  {
    title: 'a relay serves from PostgreSQL only while that holds the truth by a verified run',
    violations: ({ cloud }) =>
      cloud.records.starts
        .filter(
          ({ store, byHand, holder, isVerified }) =>
            store === 'postgres' && !byHand && !(holder === 'target' && isVerified),
        )
        .map(
          ({ atSeconds, holder }) => `at ${atSeconds} s a relay on PostgreSQL began, with authority at the ${holder}`,
        ),
  },
  {
    title: 'a relay serves from SQLite only while that holds the truth',
    violations: ({ cloud }) =>
      cloud.records.starts
        .filter(({ store, byHand, holder }) => store === 'sqlite' && !byHand && holder === 'target')
        .map(({ atSeconds }) => `at ${atSeconds} s a relay on SQLite began, with authority at the target`),
  },
  {
    title: 'every run comes to an end, and once the faults are gone a redrive ends what stands',
    violations: ({ cloud }) => (cloud.records.stuck === '' ? [] : [cloud.records.stuck]),
  },
  {
    title: 'at the end one relay serves, from the store that holds the truth, and the template says so',
    violations: servesWell,
  },
  {
    title: 'an execution ends by an ending that its machine has',
    violations: ({ cloud }) =>
      cloud.records.endings
        .filter(({ status, error }) => status === 'FAILED' && !ERRORS_KNOWN.includes(error))
        .filter(({ machine, state }) => !MAY_FAIL_ANYWHERE.includes(machine) && !state.startsWith('Hold'))
        .map(({ machine, state, error }) => `${machine} ended in ${state} with ${error}`),
  },
  {
    title: 'no expression of a machine fails',
    violations: ({ cloud }) =>
      cloud.records.endings
        .filter(
          ({ error }) =>
            error === 'States.QueryEvaluationError' ||
            error === 'States.Runtime' ||
            error === 'States.DataLimitExceeded',
        )
        .map(({ machine, error }) => `${machine} ended with ${error}`),
  },
  {
    title: 'only the execution that has the lock changes anything',
    violations: ({ cloud }) =>
      cloud.records.changes
        .filter(({ by, lockOwner, lockAgeSeconds }) => by !== lockOwner && lockAgeSeconds > CALL_SECONDS)
        .map(
          ({ atSeconds, what, by, lockOwner }) =>
            `at ${atSeconds} s ${by} made ${what}, and ${lockOwner || 'nobody'} had the lock`,
        ),
  },
  {
    title: 'the way forward is left by its deadline',
    violations: ({ cloud }) =>
      cloud.records.forward
        .filter(({ seconds }) => seconds > forwardSeconds(cloud.settings) + DEADLINE_SLACK_SECONDS)
        .map(({ execution, seconds }) => `${execution} went forward for ${seconds} s after its second look`),
  },
  {
    title: 'with nothing but what passes by itself, every machine comes to its good end',
    violations: ({ striker, stepFunctions, scenario }) => {
      if (scenario.daysOnTarget < 7 || ![...striker.occurred].every(passes)) return [];
      return stepFunctions.started
        .filter(({ machine, execution }) => machine !== 'restore' && execution.status !== 'SUCCEEDED')
        .map(({ machine, execution }) => `${machine} is ${execution.status}`);
    },
  },
  {
    title: 'each store is served by the image that is made for it',
    violations: ({ cloud }) =>
      cloud.records.starts
        .filter(({ store, image, byHand }) => !byHand && (image === OLD_IMAGE) !== (store === 'sqlite'))
        .map(({ atSeconds, store, image }) => `at ${atSeconds} s ${image} began to serve from ${store}`),
  },
  {
    title: 'a machine says that it is complete only while a relay serves',
    violations: ({ cloud, striker }) =>
      cloud.records.endings
        .filter(({ machine, status, isServed }) => status === 'SUCCEEDED' && machine !== 'restore' && !isServed)
        // What a person does in the last moment no machine sees.
        .filter(() => ![...striker.occurred].some((name) => name.endsWith('by hand')))
        .map(({ machine, atSeconds }) => `at ${atSeconds} s ${machine} was complete, and no relay served`),
  },
  {
    title: 'finalize is complete only when PostgreSQL has held the truth for as long as the settings say',
    violations: ({ cloud }) =>
      cloud.records.endings
        .filter(({ machine, status }) => machine === 'finalize' && status === 'SUCCEEDED')
        .filter(({ daysOnTarget }) => daysOnTarget < cloud.settings.confidenceDays)
        .map(({ daysOnTarget }) => `it was complete after ${daysOnTarget} days`),
  },
  {
    title: 'a cutover that has to be approved is complete only after somebody has approved it',
    violations: ({ cloud, stepFunctions }) =>
      stepFunctions.started
        .filter(({ machine, execution }) => machine === 'cutover' && execution.status === 'SUCCEEDED')
        .filter(({ execution }) => isToBeApproved(execution.history[0]) && !cloud.records.approved.has(execution.name))
        .map(({ execution }) => `${execution.name} is complete, and nobody has approved it`),
  },
  {
    title: 'no secret stands in a history',
    violations: ({ cloud }) => cloud.records.leaks.slice(0, 3),
  },
  {
    title: 'prepare and finalize leave the relay alone',
    violations: ({ cloud }) => cloud.records.disturbed,
  },
  {
    title: 'the file system goes only after all of it is in the archive, and while PostgreSQL holds the truth',
    violations: ({ cloud }) => {
      if (!cloud.file.isGone) return [];
      const held =
        cloud.postgres.authority()?.holder === 'target' ? [] : ['it went while authority was with the source'];
      const missing = [...cloud.file.tables[EVENTS].keys()].filter((row) => !cloud.records.archived.has(row));
      return missing.length > 0 ? [...held, `${missing.length} row(s) of the file were not in the archive`] : held;
    },
  },
];

function isToBeApproved(started: HistoryEvent | undefined): boolean {
  return started?.executionStartedEventDetails?.input?.includes('"approve":true') ?? false;
}

/** Whether a pair that came to pass, `<machine>.<state> <kind>`, is of a kind that passes; a task of the migrator has no second try of its own. */
function passes(pair: string): boolean {
  const place = pair.indexOf(' ');
  const isTask = /\.Run[A-Z]/.test(pair.slice(0, place));
  return !isTask && kindOf(pair.slice(place + 1)).passes === true;
}

function servesWell({ cloud }: RunResult): string[] {
  const { relays, records, postgres, ecs, settings } = cloud;
  if (records.stuck !== '') return [];
  const holder = postgres.authority()?.holder ?? 'source';
  const store: Store = holder === 'source' ? 'sqlite' : 'postgres';
  const serving = relays.running.filter(({ isTarget }) => isTarget);
  const [relay] = serving;
  // Whoever scales the service down and does not scale it up again wants it so.
  const isLeftDown = records.handDown && serving.length === 0;
  if (isLeftDown) return [];
  if (!relay || serving.length > 1) return [`${serving.length} relays serve, with authority at the ${holder}`];
  const found: string[] = [];
  if (relay.store !== store) found.push(`the relay serves from ${relay.store}, with authority at the ${holder}`);
  const service = ecs.service(`${settings.stackName}-zooid-relay`);
  if (service?.desiredCount !== 1) found.push(`the desired count of the service is ${service?.desiredCount}`);
  return [...found, ...records.templateFindings];
}

export interface Violation {
  property: string;
  seen: string;
}

/** Everything that was not as it has to be. */
export function violationsOf(run: RunResult): Violation[] {
  return PROPERTIES.flatMap((property) => property.violations(run).map((seen) => ({ property: property.title, seen })));
}
