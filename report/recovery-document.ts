import type { Settings } from '../statemachine/settings.ts';
import { type RecoveryRow, recovery } from './recovery.ts';

const COLUMNS: [title: string, of: (row: RecoveryRow) => string][] = [
  ['State', ({ state }) => `\`${state}\``],
  ['What it does', ({ does }) => does],
  ['What its failure leaves behind', ({ leaves }) => leaves],
  ['What happens by itself', ({ byItself }) => byItself],
  ['What a redrive does', ({ redrive }) => redrive],
  ['What you type', ({ type }) => type],
];

const INTRODUCTION = `# When something fails

Written by \`npm run docs\` from the state machines themselves; a test holds it against them.

A \`prepare\` that fails has changed nothing for the relay: remove the cause and start it anew. An update of the stack that
fails halfway may leave the new database behind, since it is protected; the next \`prepare\` says so before it does anything.
A \`finalize\` that fails has changed nothing for the relay either, and the next one goes on with what remains.

A cutover that fails brings the old relay back by itself. Three endings need you:

- **Held**: it was started with \`{"onFailure": "hold"}\` and stands at \`Hold\`, \`HoldUnchanged\` or, when what PostgreSQL had
  accepted could not be brought back, at \`HoldOnTarget\`. Remove the cause and redrive it; or give it up with \`restore\`.
- **\`restore\` stands at \`HoldRestore\`**, or has failed: no relay runs. Remove the cause and redrive the execution of \`restore\`,
  not that of the cutover; it begins the way back anew.
- **Superseded**: \`restore\` has taken over from an execution that you redrove. Look at the newest execution of \`restore\`.

While an execution is held before \`TakeAuthority\`, the old relay may run: the cutover begins with the stop again and compares
every row anew. The new one may not: what it writes to PostgreSQL then is not kept. From \`TakeAuthority\` on it is the other way
round. If the old relay was deployed all the same, leave it so and redrive: the way back brings together what both have accepted.

What the last column means; the AWS CLI and the console do the same with the ARNs of your account:

\`\`\`sh
# redrive: go on where it stands (within 14 days)
relay-cutover redrive <execution>
aws stepfunctions redrive-execution --execution-arn <ARN of the execution>
# start: a new execution of the machine
relay-cutover start      # or prepare, rollback, finalize
aws stepfunctions start-execution --state-machine-arn <ARN of the machine> --input '{}'
# restore: bring the old relay back in place of an execution that is held; with --allow-deletions ("allowDeletions": true)
# when the way back was refused because it would delete many rows, and they may go
relay-cutover restore
aws stepfunctions start-execution --state-machine-arn <ARN of the machine restore> --input '{"takeOver": true}'
\`\`\`

A cutover that waits for approval is answered with \`relay-cutover approve\` or \`relay-cutover reject\`.
`;

/** The text of docs/recovery.md: one table for each stretch of the way. */
export function recoveryDocument(settings: Settings): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const tables = recovery(settings).map(({ title, rows }) =>
    [
      `## ${title}\n`,
      line(COLUMNS.map(([name]) => name)),
      line(COLUMNS.map(() => '---')),
      ...rows.map((row) => line(COLUMNS.map(([, of]) => of(row).replaceAll('|', '\\|')))),
    ].join('\n'),
  );
  return `${[INTRODUCTION, ...tables].join('\n')}\n`.replaceAll('|\n## ', '|\n\n## ');
}
