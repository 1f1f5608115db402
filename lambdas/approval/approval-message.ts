import type { Plan } from '../preflight.ts';

export interface ApprovalMessage {
  stackName: string;
  execution: string;
  expiresAt: string;
  plan: PlanForPeople;
}

/** What a person has to know in order to say yes or no. */
export interface PlanForPeople {
  domain: string;
  preview: Plan['preview'];
  /** Of the newest verified load, in all tables. */
  rows: number;
  expectedWriteStopSeconds: number;
}

/** SNS takes 256 KiB; what is left is for the sentences around the lines. */
const LINES_BYTES_MAX = 200 * 1024;

/** The text that people get: what the cutover will do, how long nobody can write, and how to answer. */
export function approvalMessage({ stackName, execution, expiresAt, plan }: ApprovalMessage): string {
  const { domain, preview, rows, expectedWriteStopSeconds } = plan;
  return [
    `A cutover of ${stackName} (${domain}) to PostgreSQL waits for approval. Nothing is changed before somebody approves it.`,
    '',
    `Rows: ${rows.toLocaleString('en-US')} are loaded already; what has changed since then is brought over during the write stop.`,
    `Drain: from the stop on, clients may write for up to ${preview.drainSecondsMax} s over connections that are open.`,
    `Write stop: about ${expectedWriteStopSeconds} s are expected, from the end of the old relay to the first answer of the new one.`,
    `Image of the new relay: ${preview.image}`,
    '',
    'Edits of the template:',
    ...preview.edits.map((title) => `- ${title}`),
    '',
    'Lines of the template that change:',
    ...cut(preview.lines),
    '',
    ...howToAnswer(execution, expiresAt),
  ].join('\n');
}

/** The two commands, and what happens without them. */
export function howToAnswer(execution: string, expiresAt: string): string[] {
  return [
    `Answer until ${expiresAt} with one of these:`,
    `  relay-cutover approve ${execution}`,
    `  relay-cutover reject ${execution} --reason "<why>"`,
    'Without an answer the execution ends then by itself, with nothing changed.',
  ];
}

function cut(lines: string[]): string[] {
  let bytes = 0;
  const fitting = lines.findIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > LINES_BYTES_MAX;
  });
  if (fitting === -1) return lines;
  return [
    ...lines.slice(0, fitting),
    `[Cut here: ${lines.length - fitting} more lines stand in the execution's history, in the result of Preflight.]`,
  ];
}
