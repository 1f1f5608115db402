import { describe, expect, it } from 'vitest';
import { type ApprovalItem, approvalKey } from '../../lambdas/approval/approval-item.ts';
import type { LockItem } from '../../lambdas/execution-lock/lock-store.ts';
import { createHandler } from '../../lambdas/remind.ts';
import { memoryLockStore } from '../../rehearsal/lock-store.ts';

const OWNER = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:one';
const NOW = '2026-01-01T00:12:30.000Z';
const LOCK: LockItem = {
  stackName: 'relay',
  version: 1,
  owner: OWNER,
  since: '2026-01-01T00:00:00.000Z',
  takenFrom: null,
  released: false,
  held: null,
  plan: null,
};
const HELD = { state: 'AssertQuiet', error: 'NotQuiet', cause: 'a relay ran', at: '2026-01-01T00:02:00.000Z' };
const QUESTION: ApprovalItem = {
  stackName: approvalKey(OWNER),
  version: 1,
  execution: OWNER,
  token: 'the-token',
  requestedAt: '2026-01-01T00:01:00.000Z',
  expiresAt: '2026-01-01T12:01:00.000Z',
  timeToLive: 1,
  answer: null,
};

/** What is published and logged when the schedule calls the function once. */
async function reminded({ lock, question }: { lock?: Partial<LockItem>; question?: Partial<ApprovalItem> }) {
  const locks = memoryLockStore();
  const approvals = memoryLockStore<ApprovalItem>();
  if (lock) await locks.write({ ...LOCK, ...lock }, null);
  if (question) await approvals.write({ ...QUESTION, ...question }, null);
  const messages: string[][] = [];
  const lines: string[] = [];
  await createHandler({
    stackName: 'relay',
    locks,
    approvals,
    publish: async (...message) => void messages.push(message),
    log: (line) => lines.push(line),
    now: () => new Date(NOW),
  })();
  expect(lines).toHaveLength(1);
  const { Held, ApprovalWaiting, ...rest } = JSON.parse(lines[0] as string);
  return { messages, metrics: { Held, ApprovalWaiting }, rest };
}

describe('the reminder', () => {
  it.each([
    ['no execution has ever had the lock', {}],
    ['an execution runs', { lock: {} }],
    ['the last one has ended', { lock: { released: true }, question: {} }],
    ['the question is answered', { lock: {}, question: { answer: { answer: 'approve', by: 'Ada' } as never } }],
    ['the question is over', { lock: {}, question: { expiresAt: NOW } }],
    ['the question is that of an earlier execution', { lock: { owner: 'another' }, question: {} }],
  ] as const)('says nothing when %s', async (_, world) => {
    const { messages, metrics } = await reminded(world);
    expect(messages).toEqual([]);
    expect(metrics).toEqual({ Held: 0, ApprovalWaiting: 0 });
  });

  it('says that a cutover is held, for how long nobody can write, and what to do', async () => {
    const { messages, metrics } = await reminded({ lock: { held: HELD, plan: { cluster: 'c' } } });
    expect(metrics).toEqual({ Held: 1, ApprovalWaiting: 0 });
    expect(messages).toEqual([
      [
        'Held: cutover of relay',
        `An execution on relay is held for an operator since 2026-01-01T00:02:00.000Z (10 min). Unless somebody has started it by hand, the relay is stopped: nobody has been able to write for 10 min at least.

Execution: ${OWNER}
Failed: AssertQuiet with NotQuiet: a relay ran

What to do, once the cause is removed:
  aws stepfunctions redrive-execution --execution-arn ${OWNER}
or, to give it up, start restore with {"takeOver": true}: it brings the old relay back, with every row.
docs/recovery.md says for every state what its failure leaves behind. This message is repeated while the execution is held.`,
      ],
    ]);
  });

  it('does not speak of a write stop where nothing was changed', async () => {
    const { messages } = await reminded({ lock: { held: HELD } });
    expect(messages[0]?.[1]).toContain('(10 min). The relay runs as before.\n');
    expect(messages[0]?.[1]).toContain('{"takeOver": true}: it gives the lock back.');
  });

  it('says that a cutover waits for approval, and how to answer, without the token', async () => {
    const { messages, metrics } = await reminded({ lock: {}, question: {} });
    expect(metrics).toEqual({ Held: 0, ApprovalWaiting: 1 });
    expect(messages).toEqual([
      [
        'Approval wanted: cutover of relay',
        `A cutover of relay waits for approval since 2026-01-01T00:01:00.000Z (11 min). The relay runs as before; the first message has the plan.

Answer until 2026-01-01T12:01:00.000Z with one of these:
  relay-cutover approve ${OWNER}
  relay-cutover reject ${OWNER} --reason "<why>"
Without an answer the execution ends then by itself, with nothing changed.`,
      ],
    ]);
  });

  it('writes both down as metrics in the embedded metric format', async () => {
    const { rest } = await reminded({});
    expect(rest).toEqual({
      Stack: 'relay',
      _aws: {
        Timestamp: Date.parse(NOW),
        CloudWatchMetrics: [
          {
            Namespace: 'RelayCutover',
            Dimensions: [['Stack']],
            Metrics: [
              { Name: 'Held', Unit: 'Count' },
              { Name: 'ApprovalWaiting', Unit: 'Count' },
            ],
          },
        ],
      },
    });
  });
});
