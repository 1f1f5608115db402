import type { SourceEdit } from './bundle.ts';

/** One break of the machines, the functions or what they share, such as a person might make by mistake. */
export interface Mutation extends SourceEdit {
  title: string;
  /** What the seeds look for with which is begun: a pair such as `cutover.ScaleUp aborted`. Without it, all in their order. */
  seenAt?: RegExp;
}

/** Every one of them has to be caught by a property within a number of seeds (mutate.ts). */
export const MUTATIONS: Mutation[] = [
  {
    title: 'scale-service does not ask for the lock',
    seenAt: /(ScaleUp|StopRelays|ScaleDown)\S* aborted/,
    file: 'lambdas/scale-service.ts',
    find: '    assertOurs(await dependencies.lock.read(stackName), stackName, owner);\n',
    replace: '',
  },
  {
    title: 'change-stack does not ask for the lock',
    seenAt: /(Propose|Execute)\S* aborted/,
    file: 'lambdas/change-stack.ts',
    find: 'if (CHANGING.includes(event.action)) {',
    replace: 'if (CHANGING.length === 0) {',
  },
  {
    title: 'a stack is at rest while a change set of ours waits to be executed',
    seenAt: /cutover\.ExecuteSwitch aborted/,
    file: 'lambdas/change-stack/rest.ts',
    find: '  await removeWaiting(cloudFormation, stackName);\n',
    replace: '',
  },
  {
    title: 'the way back does not withdraw the runs, so that authority may still be taken for them',
    seenAt: /cutover\.TakeAuthority aborted/,
    file: 'migrator/authority.ts',
    find: "WHERE (SELECT holder FROM cutover.authority) = 'source'",
    replace: "WHERE (SELECT holder FROM cutover.authority) = 'nobody'",
  },
  {
    title: 'assert-quiet lets pass a task that has run since the stop',
    seenAt: /cutover\.(RunMigrator|ReadManifest|VerifyTable|AssertQuiet) (task started|scaled up) by hand/,
    file: 'lambdas/assert-quiet.ts',
    find: 'if (ran.length > 0) {',
    replace: 'if (ran.length > 1_000) {',
  },
  {
    title: 'the switch sets the desired count to 1',
    seenAt: /^cutover\./,
    file: 'statemachine/cutover/switch-over.ts',
    find: 'desiredCount: 0,',
    replace: 'desiredCount: 1,',
  },
  {
    title: 'the template is not settled after a cutover',
    seenAt: /^cutover\./,
    file: 'statemachine/cutover/switch-over.ts',
    find: 'desiredCount: 1,',
    replace: 'desiredCount: 0,',
  },
  {
    title: 'authority is not taken before the new relay starts',
    seenAt: /^cutover\./,
    file: 'statemachine/cutover/switch-over.ts',
    find: "next: 'TakeAuthority',",
    replace: "next: 'ScaleUp',",
  },
  {
    title: 'nobody remembers that authority was asked for',
    seenAt: /cutover\.AwaitAuthority/,
    file: 'statemachine/cutover/switch-over.ts',
    find: 'assign: { authorityAsked: true },',
    replace: 'assign: { authorityAsked: false },',
  },
  {
    title: 'a verdict on the tables is not asked for',
    seenAt: /migrator errs/,
    file: 'statemachine/verify-states.ts',
    find: '$count($${verdicts}[verdict = "verified"]) = $count($${manifest}.tables)',
    replace: 'true',
  },
  {
    title: 'every table is verified, whatever the target has',
    seenAt: /migrator errs/,
    file: 'migrator/verify-table.ts',
    find: "const verdict = findings.length === 0 ? 'verified' : 'mismatch';",
    replace: "const verdict = 'verified';",
  },
  {
    title: 'rows are counted and not compared',
    seenAt: /row altered/,
    file: 'migrator/verify-table.ts',
    find: 'else if (target.digest !== source.digest)',
    replace: 'else if (target.rows !== source.rows)',
  },
  {
    title: 'the way back goes without the reverse',
    seenAt: /(RunReverse|ReadReverse|ReturnAuthority)/,
    file: 'statemachine/way-back/way-back.ts',
    find: "Next: 'RunReverse' }",
    replace: "Next: 'ProposeRestore' }",
  },
  {
    title: 'a silent target is taken for one that was never asked',
    seenAt: /\.AwaitAuthority/,
    file: 'statemachine/way-back/way-back.ts',
    find: '$authority.holder = "unknown" and $authorityAsked',
    replace: '$authority.holder = "nobody" and $authorityAsked',
  },
  {
    title: 'the template is not settled after the way back',
    seenAt: /restore\./,
    file: 'statemachine/way-back/way-back.ts',
    find: '      desiredCount: 1,\n      next,',
    replace: '      desiredCount: 0,\n      next,',
  },
  {
    title: 'authority is not returned after a reverse',
    seenAt: /ReturnAuthority/,
    file: 'statemachine/way-back/reverse.ts',
    find: "next: 'ReturnAuthority',",
    replace: 'next,',
  },
  {
    title: 'restore takes the template for untouched',
    seenAt: /restore\./,
    file: 'statemachine/restore/restore.ts',
    find: 'proposal: {},',
    replace: 'proposal: null,',
  },
  {
    title: 'restore takes over from an execution that runs',
    seenAt: /takeover asked/,
    file: 'lambdas/execution-lock/take-over.ts',
    find: "if (standing === 'running') return nothing(",
    replace: "if (standing === 'in order') return nothing(",
  },
  {
    title: 'the lock is taken from an execution that runs',
    seenAt: /second cutover/,
    file: 'lambdas/execution-lock/owning.ts',
    find: "if (standing === 'running' || item.held !== null || isHalfway)",
    replace: 'if (item.held !== null || isHalfway)',
  },
  {
    title: 'no original is kept before the first edit',
    seenAt: /restore\./,
    file: 'lambdas/change-stack/propose.ts',
    find: 'if (EDITING.includes(event.purpose)) await keepOriginal(',
    replace: 'if (EDITING.length === 0) await keepOriginal(',
  },
  {
    title: 'the image of the old relay does not come back',
    seenAt: /rollback\.|restore\./,
    file: 'lambdas/change-stack/propose.ts',
    find: 'if (original !== undefined && !masked) set.set(',
    replace: 'if (original === undefined && !masked) set.set(',
  },
  {
    title: 'a function does not heed the deadline',
    seenAt: /cutover\.ExecuteSwitch update never ends/,
    file: 'lambdas/deadline.ts',
    find: 'now().getTime() <= end) throw error;',
    replace: 'now().getTime() > 0) throw error;',
  },
  {
    title: 'the migrator may take as long as it likes in the write stop',
    seenAt: /cutover\.RunMigrator task hangs/,
    file: 'statemachine/write-stop-deadline.ts',
    find: '$floor(($toMillis($deadline) - $toMillis($now())) / 1000)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source has it so
    replace: '${secondsMax}',
  },
  {
    title: 'the health check takes any answer',
    seenAt: /cutover\.ScaleUp relay mute/,
    file: 'lambdas/health-verdict.ts',
    find: 'if (!isMissing && altered.length === 0) return undefined;',
    replace: 'if (missing.length >= 0) return undefined;',
  },
  {
    title: 'what passes is not tried again',
    seenAt: /(throttled|answer lost)/,
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
    seenAt: /finalize\./,
    file: 'statemachine/finalize/confidence.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source has it so
    find: '>= ${confidenceDays} * 86400000',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source has it so
    replace: '>= ${confidenceDays}',
  },
  {
    title: 'a cutover goes on without the approval that it was told to wait for',
    seenAt: /AskApproval approval/,
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
