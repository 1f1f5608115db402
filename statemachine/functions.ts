/**
 * The Lambda functions that the state machines call, by the name of their handler file in `lambdas/`. A definition says
 * `${<Name>Function}` where the ARN of the published version goes: a redrive pins the definition, not the code behind an
 * unqualified ARN.
 */
export const FUNCTIONS = {
  preflight: {
    network: 'internet',
    purpose: 'looks at the stack, the service and the old relay before anything is changed',
  },
  'preflight-prepare': {
    network: 'internet',
    purpose: 'looks at what a database beside the relay rests on, before anything is changed',
  },
  'preflight-rollback': {
    network: 'internet',
    purpose: 'looks at what a way back after a week rests on, before anything is changed',
  },
  'execution-lock': {
    network: 'internet',
    purpose: "lets one execution at a time change the relay's stack, and another take over from one that ended halfway",
  },
  'request-approval': {
    network: 'internet',
    purpose: 'tells people what a cutover will do, and keeps the question until one of them answers',
  },
  'scale-service': {
    network: 'internet',
    purpose: 'starts and stops the relay, for the execution that has the lock',
  },
  'change-stack': {
    network: 'internet',
    purpose: "proposes, guards, executes and awaits one change set of the relay's stack",
  },
  'prepare-stack': {
    network: 'internet',
    purpose: "does the same for what prepare adds to the relay's stack, with the rights that only that takes",
  },
  'preflight-finalize': {
    network: 'internet',
    purpose: "looks at what the end of SQLite's file system rests on, before anything is changed",
  },
  'finalize-stack': {
    network: 'internet',
    purpose: "takes SQLite's file system out of the relay's stack, with the rights that only that takes",
  },
  'database-snapshot': {
    network: 'internet',
    purpose: 'sees to it that the database has a recent snapshot',
  },
  'delete-file-system': {
    network: 'internet',
    purpose: "deletes SQLite's file system, once all of it is in the archive",
  },
  'deregister-tasks': {
    network: 'internet',
    purpose: 'deregisters the task definitions of the migrator',
  },
  'assert-quiet': {
    network: 'internet',
    purpose: 'sees to it that no task of the relay runs, and that nobody else has touched the stack',
  },
  'health-check': { network: 'internet', purpose: 'asks the relay, over WebSocket, for events that it must have' },
  authority: { network: 'database', purpose: 'reads and takes authority: who holds the truth' },
  'read-manifest': { network: 'database', purpose: 'reads what the migrator wrote about its run' },
  'verify-counts': { network: 'database', purpose: "compares one table's rows and digest with the source's" },
} as const satisfies Record<string, { network: 'internet' | 'database'; purpose: string }>;

export type FunctionName = keyof typeof FUNCTIONS;

/** The functions that no state machine calls: a person's command, a schedule or the end of an execution does. */
export const STANDING_FUNCTIONS = {
  'answer-approval': {
    network: 'internet',
    purpose: 'takes the answer of a person to a cutover that waits for approval, and hands it to the execution',
  },
  remind: {
    network: 'internet',
    purpose: 'says every few minutes that an execution is held for an operator or waits for approval',
  },
  'store-report': {
    network: 'internet',
    purpose: 'keeps the report of an execution that has ended, as a page and as JSON',
  },
} as const satisfies Record<string, { network: 'internet'; purpose: string }>;

export type StandingFunctionName = keyof typeof STANDING_FUNCTIONS;

/** The name by which a person's command finds the function in the account. */
export function answerFunctionName(relayStackName: string): string {
  return `${relayStackName}-cutover-answer-approval`;
}

/** Key of a function's definition substitution: `verify-counts` is `VerifyCountsFunction`, since CloudFormation documents letters and digits only. */
export function substitutionKey(name: FunctionName): string {
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Function`;
}

export function functionPlaceholder(name: FunctionName): string {
  return `\${${substitutionKey(name)}}`;
}
