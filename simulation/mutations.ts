import type { SourceEdit } from './bundle.ts';

/** One break of the machines, the functions or what they share, such as a person might make by mistake. */
export interface Mutation extends SourceEdit {
  title: string;
}

/** Every one of them has to be caught by a property within a number of seeds (mutate.ts). */
export const MUTATIONS: Mutation[] = [
  {
    title: 'scale-service does not ask for the lock',
    file: 'lambdas/scale-service.ts',
    find: '    assertOurs(await dependencies.lock.read(stackName), stackName, owner);\n',
    replace: '',
  },
  {
    title: 'change-stack does not ask for the lock',
    file: 'lambdas/change-stack.ts',
    find: 'if (CHANGING.includes(event.action)) {',
    replace: 'if (CHANGING.length === 0) {',
  },
  {
    title: 'the way back does not withdraw the runs, so that authority may still be taken for them',
    file: 'migrator/authority.ts',
    find: "WHERE (SELECT holder FROM cutover.authority) = 'source'",
    replace: "WHERE (SELECT holder FROM cutover.authority) = 'nobody'",
  },
  {
    title: 'assert-quiet lets pass a task that has run since the stop',
    file: 'lambdas/assert-quiet.ts',
    find: 'if (ran.length > 0) {',
    replace: 'if (ran.length > 1_000) {',
  },
  {
    title: 'assert-quiet does not wait for tasks that are stopping',
    file: 'lambdas/assert-quiet.ts',
    find: 'if (moving.length > 0) {',
    replace: 'if (moving.length > 1_000) {',
  },
  {
    title: 'tasks that are stopping are not looked for',
    file: 'lambdas/ecs-tasks.ts',
    find: "for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {",
    replace: "for (const desiredStatus of ['RUNNING'] as const) {",
  },
  {
    title: 'the switch sets the desired count to 1',
    file: 'statemachine/cutover/switch-over.ts',
    find: 'desiredCount: 0,',
    replace: 'desiredCount: 1,',
  },
  {
    title: 'the template is not settled after a cutover',
    file: 'statemachine/cutover/switch-over.ts',
    find: 'desiredCount: 1,',
    replace: 'desiredCount: 0,',
  },
  {
    title: 'authority is not taken before the new relay starts',
    file: 'statemachine/cutover/switch-over.ts',
    find: "next: 'TakeAuthority',",
    replace: "next: 'ScaleUp',",
  },
  {
    title: 'nobody remembers that authority was asked for',
    file: 'statemachine/cutover/switch-over.ts',
    find: 'assign: { authorityAsked: true },',
    replace: 'assign: { authorityAsked: false },',
  },
  {
    title: 'nobody looks a last time before authority is taken',
    file: 'statemachine/cutover/switch-over.ts',
    find: "Default: 'AssertStillQuiet',",
    replace: "Default: 'TakeAuthority',",
  },
  {
    title: 'a verdict on the tables is not asked for',
    file: 'statemachine/verify-states.ts',
    find: '$count($${verdicts}[verdict = "verified"]) = $count($${manifest}.tables)',
    replace: 'true',
  },
  {
    title: 'every table is verified, whatever the target has',
    file: 'migrator/verify-table.ts',
    find: "const verdict = findings.length === 0 ? 'verified' : 'mismatch';",
    replace: "const verdict = 'verified';",
  },
  {
    title: 'the way back goes without the reverse',
    file: 'statemachine/way-back/way-back.ts',
    find: "Next: 'RunReverse' }",
    replace: "Next: 'ProposeRestore' }",
  },
  {
    title: 'a silent target is taken for one that was never asked',
    file: 'statemachine/way-back/way-back.ts',
    find: '$authority.holder = "unknown" and $authorityAsked',
    replace: '$authority.holder = "nobody" and $authorityAsked',
  },
  {
    title: 'the way back leaves alone what a person has started',
    file: 'statemachine/way-back/way-back.ts',
    find: '      stop: true,\n',
    replace: '',
  },
  {
    title: 'the template is not settled after the way back',
    file: 'statemachine/way-back/way-back.ts',
    find: '      desiredCount: 1,\n      next,',
    replace: '      desiredCount: 0,\n      next,',
  },
  {
    title: 'authority is not returned after a reverse',
    file: 'statemachine/way-back/reverse.ts',
    find: "next: 'ReturnAuthority',",
    replace: 'next,',
  },
  {
    title: 'a reverse is not made again after it was interrupted',
    file: 'statemachine/way-back/reverse.ts',
    find: '$reverseAttempt < ${REVERSE_ATTEMPTS_MAX}',
    replace: '$reverseAttempt > ${REVERSE_ATTEMPTS_MAX}',
  },
  {
    title: 'restore takes the template for untouched',
    file: 'statemachine/restore/restore.ts',
    find: 'proposal: {},',
    replace: 'proposal: null,',
  },
  {
    title: 'restore takes over from an execution that runs',
    file: 'lambdas/execution-lock/take-over.ts',
    find: "if (standing === 'running') return nothing(",
    replace: "if (standing === 'in order') return nothing(",
  },
  {
    title: 'the lock is taken from an execution that runs',
    file: 'lambdas/execution-lock/owning.ts',
    find: "if (standing === 'running' || item.held !== null || isHalfway)",
    replace: 'if (item.held !== null || isHalfway)',
  },
  {
    title: 'the lock is taken from an execution that ended halfway',
    file: 'lambdas/execution-lock/owning.ts',
    find: '|| item.held !== null || isHalfway)',
    replace: '|| item.held !== null)',
  },
  {
    title: 'no original is kept before the first edit',
    file: 'lambdas/change-stack/propose.ts',
    find: 'if (EDITING.includes(event.purpose)) await keepOriginal(',
    replace: 'if (EDITING.length === 0) await keepOriginal(',
  },
  {
    title: 'the image of the old relay does not come back',
    file: 'lambdas/change-stack/propose.ts',
    find: 'if (original !== undefined && !masked) set.set(',
    replace: 'if (original === undefined && !masked) set.set(',
  },
  {
    title: 'a function does not heed the deadline',
    file: 'lambdas/deadline.ts',
    find: 'now().getTime() <= end) throw error;',
    replace: 'now().getTime() > 0) throw error;',
  },
  {
    title: 'the migrator may take as long as it likes in the write stop',
    file: 'statemachine/write-stop-deadline.ts',
    find: '$floor(($toMillis($deadline) - $toMillis($now())) / 1000)',
    replace: '${secondsMax}',
  },
  {
    title: 'the health check takes any answer',
    file: 'lambdas/health-verdict.ts',
    find: 'if (!isMissing && altered.length === 0) return undefined;',
    replace: 'if (missing.length >= 0) return undefined;',
  },
  {
    title: 'what passes is not tried again',
    file: 'statemachine/tasks.ts',
    find: 'MaxAttempts: 4,',
    replace: 'MaxAttempts: 0,',
  },
  {
    title: 'a poll gives up at once',
    file: 'statemachine/tasks.ts',
    find: 'MaxAttempts: Math.ceil(timeoutSeconds / intervalSeconds),',
    replace: 'MaxAttempts: 1,',
  },
  {
    title: 'finalize does not wait for the days of confidence',
    file: 'statemachine/finalize/confidence.ts',
    find: '>= ${confidenceDays} * 86400000',
    replace: '>= ${confidenceDays}',
  },
  {
    title: 'a cutover goes on without the approval that it was told to wait for',
    file: 'statemachine/cutover/approval.ts',
    find: 'Input.approve = true',
    replace: 'Input.approve = 1',
  },
  {
    title: 'the password stands in a result',
    file: 'lambdas/preflight.ts',
    find: '    newImage: image,\n',
    replace: '    newImage: image,\n    secret: world.relayTask.containerDefinitions?.[0]?.environment,\n',
  },
];
