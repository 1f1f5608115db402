import { describe, expect, it } from 'vitest';
import { createHandler as answerHandler, type WaitingTasks } from '../../lambdas/answer-approval.ts';
import { type ApprovalItem, approvalKey } from '../../lambdas/approval/approval-item.ts';
import { createHandler as requestHandler } from '../../lambdas/request-approval.ts';
import { memoryLockStore } from '../../rehearsal/lock-store.ts';

const EXECUTION = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:one';
const BEGIN = Date.parse('2026-01-01T00:00:00.000Z');
const PLAN = {
  domain: 'relay.test',
  rows: 15_235,
  expectedWriteStopSeconds: 221,
  preview: {
    edits: ['Add the secret'],
    lines: ['@@ line 23', '-  old', '+  new'],
    image: 'relay:new',
    drainSecondsMax: 40,
  },
};

/** The two functions over one table, with a clock that is moved by hand and tasks that remember what they were told. */
function scene({ tasks = {} }: { tasks?: Partial<WaitingTasks> } = {}) {
  const approvals = memoryLockStore<ApprovalItem>();
  const messages: { subject: string; message: string }[] = [];
  const told: unknown[] = [];
  const world = { seconds: 0, tasks: {} as Partial<WaitingTasks> };
  Object.assign(world.tasks, tasks);
  const now = () => new Date(BEGIN + world.seconds * 1_000);
  const request = requestHandler({
    approvals,
    now,
    publish: async (subject, message) => void messages.push({ subject, message }),
  });
  const answer = answerHandler({
    approvals,
    now,
    tasks: {
      succeed: async (...given) => {
        await world.tasks.succeed?.(...given);
        told.push(given);
      },
      fail: async (...given) => {
        await world.tasks.fail?.(...given);
        told.push(given);
      },
    },
  });
  const ask = (token = 'token 1', plan = PLAN) =>
    request({ token, execution: EXECUTION, timeoutSeconds: 600, stackName: 'relay', plan });
  const say = (by: string, what: 'approve' | 'reject', reason?: string) =>
    answer({ execution: EXECUTION, answer: what, by, ...(reason !== undefined && { reason }) }).then(
      ({ sentence }) => sentence,
      ({ name, message }: Error) => `${name}: ${message}`,
    );
  return { approvals, messages, told, world, ask, say, answer, item: () => approvals.read(approvalKey(EXECUTION)) };
}

const failing = (name: string) => async () => {
  throw Object.assign(new Error(`${name} it says`), { name });
};

describe('asking for an approval', () => {
  it('keeps the question, and tells people the plan and the two commands, but not the token', async () => {
    const { ask, messages, item } = scene();
    expect(await ask()).toEqual({ expiresAt: '2026-01-01T00:10:00.000Z' });
    expect(await item()).toEqual({
      stackName: `approval#${EXECUTION}`,
      version: 1,
      execution: EXECUTION,
      token: 'token 1',
      requestedAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-01-01T00:10:00.000Z',
      timeToLive: BEGIN / 1_000 + 600 + 90 * 86_400,
      answer: null,
    });
    expect(messages).toEqual([
      {
        subject: 'Approval wanted: cutover of relay',
        message: `A cutover of relay (relay.test) to PostgreSQL waits for approval. Nothing is changed before somebody approves it.

Rows: 15,235 are loaded already; what has changed since then is brought over during the write stop.
Drain: from the stop on, clients may write for up to 40 s over connections that are open.
Write stop: about 221 s are expected, from the end of the old relay to the first answer of the new one.
Image of the new relay: relay:new

Edits of the template:
- Add the secret

Lines of the template that change:
@@ line 23
-  old
+  new

Answer until 2026-01-01T00:10:00.000Z with one of these:
  relay-cutover approve ${EXECUTION}
  relay-cutover reject ${EXECUTION} --reason "<why>"
Without an answer the execution ends then by itself, with nothing changed.`,
      },
    ]);
  });

  it('cuts a long preview, says so, and stays below what SNS takes', async () => {
    const { ask, messages } = scene();
    const lines = Array.from({ length: 10_000 }, (_, index) => `+  line ${index} ${'ä'.repeat(40)}`);
    await ask('token 1', { ...PLAN, preview: { ...PLAN.preview, lines } });
    const { message = '' } = messages[0] ?? {};
    expect(Buffer.byteLength(message)).toBeLessThan(256 * 1024);
    expect(Buffer.byteLength(message)).toBeGreaterThan(190 * 1024);
    const shown = message.split('\n').filter((line) => line.startsWith('+  line')).length;
    expect(message).toContain(
      `\n[Cut here: ${10_000 - shown} more lines stand in the execution's history, in the result of Preflight.]\n`,
    );
    expect(message).toContain('relay-cutover approve');
  });

  it('puts the token of a later try, or of a redrive, in the place of the earlier one, with its answer', async () => {
    const { ask, say, told, item } = scene();
    await ask('token 1');
    await say('Ada', 'reject', 'no');
    await ask('token 2');
    expect(await item()).toMatchObject({ token: 'token 2', answer: null, version: 4 });
    await say('Ada', 'approve');
    expect(told.at(-1)).toEqual(['token 2', { by: 'Ada', at: '2026-01-01T00:00:00.000Z' }]);
  });

  it('does not forget an answer when it is called twice for the same wait', async () => {
    const { ask, say, item } = scene();
    await ask();
    await say('Ada', 'approve');
    await ask();
    expect(await item()).toMatchObject({ answer: { by: 'Ada' } });
  });
});

describe('an answer', () => {
  it('that approves is recorded, and handed to the execution with who and when', async () => {
    const { ask, say, told, item, world } = scene();
    await ask();
    world.seconds = 60;
    expect(await say('Ada', 'approve')).toBe(
      `The execution ${EXECUTION} is approved by Ada at 2026-01-01T00:01:00.000Z. It looks at everything once more, and begins if the plan is still the same.`,
    );
    expect(told).toEqual([['token 1', { by: 'Ada', at: '2026-01-01T00:01:00.000Z' }]]);
    expect(await item()).toMatchObject({
      answer: { answer: 'approve', by: 'Ada', reason: null, at: '2026-01-01T00:01:00.000Z', delivered: 'yes' },
    });
  });

  it('that rejects fails the wait with who, when and why', async () => {
    const { ask, say, told } = scene();
    await ask();
    expect(await say('Ada', 'reject', 'not today')).toBe(
      `The execution ${EXECUTION} is rejected by Ada at 2026-01-01T00:00:00.000Z. It ends with nothing changed.`,
    );
    expect(told).toEqual([
      ['token 1', 'ApprovalRejected', 'Ada rejected the cutover at 2026-01-01T00:00:00.000Z: not today'],
    ]);
  });

  it('is recorded before it is sent: what stands there then is the answer', async () => {
    const { ask, say, item, world } = scene();
    let standing: ApprovalItem | undefined;
    world.tasks.succeed = async () => {
      standing = await item();
    };
    await ask();
    await say('Ada', 'approve');
    expect(standing?.answer).toMatchObject({ answer: 'approve', by: 'Ada', delivered: 'unknown' });
  });

  it('is given once: the same again is told so, another is refused', async () => {
    const { ask, say, told } = scene();
    await ask();
    await say('Ada', 'approve');
    const before = `The execution ${EXECUTION} was approved by Ada at 2026-01-01T00:00:00.000Z already.`;
    expect(await say('Ada', 'approve')).toBe(`${before} Nothing more was done.`);
    expect(await say('Grace', 'approve')).toBe(`${before} Nothing more was done.`);
    expect(await say('Grace', 'reject', 'no')).toBe(
      `Refused: ${before} It cannot be rejected any more. To end it stop the execution; restore then brings the old relay back.`,
    );
    expect(told).toHaveLength(1);
  });

  it('that comes after a rejection is refused', async () => {
    const { ask, say } = scene();
    await ask();
    await say('Ada', 'reject', 'no');
    expect(await say('Grace', 'approve')).toBe(
      `Refused: The execution ${EXECUTION} was rejected by Ada at 2026-01-01T00:00:00.000Z already. It cannot be approved any more. Start a new cutover.`,
    );
  });

  it('of two people at the same moment is that of one, and the other is told so', async () => {
    const { ask, say, told } = scene();
    await ask();
    const said = await Promise.all([say('Ada', 'approve'), say('Grace', 'reject', 'no')]);
    expect(told).toHaveLength(1);
    expect(said.filter((sentence) => sentence.startsWith('Refused: '))).toHaveLength(1);
  });

  it('that comes too late is refused, and is not recorded', async () => {
    const { ask, say, told, item, world } = scene();
    await ask();
    world.seconds = 600;
    expect(await say('Ada', 'approve')).toBe(
      `Refused: The execution ${EXECUTION} waited for an answer until 2026-01-01T00:10:00.000Z, and it is 2026-01-01T00:10:00.000Z. It has ended with nothing changed; start a new cutover.`,
    );
    expect(told).toEqual([]);
    expect(await item()).toMatchObject({ answer: null });
  });

  it.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    'is refused when the execution waits no more (%s), whoever asks again',
    async (name) => {
      const { ask, say } = scene({ tasks: { succeed: failing(name) } });
      await ask();
      const refused = `Refused: The execution ${EXECUTION} does not wait for an answer any more: its time was over, or it was stopped. It has changed nothing; start a new cutover.`;
      expect(await say('Ada', 'approve')).toBe(refused);
      expect(await say('Ada', 'approve')).toBe(refused);
      expect(await say('Grace', 'reject', 'no')).toBe(refused);
    },
  );

  it('whose sending was lost may be repeated by the same person, and by nobody else', async () => {
    const { ask, say, told, world } = scene({ tasks: { succeed: failing('TimeoutError') } });
    await ask();
    expect(await say('Ada', 'approve')).toBe(
      `Error: The answer for the execution ${EXECUTION} is recorded, but could not be sent to it: TimeoutError it says. Repeat the same answer.`,
    );
    world.tasks = {};
    const before = `The execution ${EXECUTION} was approved by Ada at 2026-01-01T00:00:00.000Z already.`;
    expect(await say('Grace', 'approve')).toBe(
      `${before} Nothing more was done; whether the execution has the answer is not known, and Ada may repeat it.`,
    );
    expect(await say('Grace', 'reject', 'no')).toContain('It cannot be rejected any more.');
    expect(told).toEqual([]);
    expect(await say('Ada', 'approve')).toContain('is approved by Ada');
    expect(told).toEqual([['token 1', { by: 'Ada', at: '2026-01-01T00:00:00.000Z' }]]);
  });

  it('that was sent although its sending seemed lost is not called late when it is repeated', async () => {
    const { ask, say, world } = scene({ tasks: { succeed: failing('TimeoutError') } });
    await ask();
    await say('Ada', 'approve');
    world.tasks = { succeed: failing('TaskTimedOut') };
    expect(await say('Ada', 'approve')).toBe(
      `The execution ${EXECUTION} was approved by Ada at 2026-01-01T00:00:00.000Z already and does not wait any more. Look there whether it has gone on.`,
    );
  });

  it('to an execution that asks for none is refused', async () => {
    expect(await scene().say('Ada', 'approve')).toBe(
      `Refused: No answer is waited for by the execution ${EXECUTION}. Expected the ARN of a cutover that was started with {"approve": true} and stands at AskApproval; the message that asks for the approval names it.`,
    );
  });

  it('that is not complete is refused with every finding', async () => {
    const { answer } = scene();
    await expect(answer({ execution: 'one', answer: 'reject', by: ' ', force: true })).rejects.toThrow(
      /^The answer is not right, and nothing was done: execution: expected the ARN of an execution of cutover; by: expected the name of whoever answers; \(answer\): Unrecognized key: "force"; reason: expected why the cutover is rejected; it stands in the ending of the execution\.$/,
    );
    await expect(answer({ execution: EXECUTION, answer: 'reject', by: 'Ada' })).rejects.toThrow(
      'reason: expected why the cutover is rejected; it stands in the ending of the execution',
    );
  });

  it('never shows the token, whatever becomes of it', async () => {
    const { ask, say, messages, answer } = scene();
    const results = [await ask('the-token')];
    const said = [await say('Ada', 'approve'), await say('Grace', 'approve'), await say('Grace', 'reject', 'no')];
    const whole = await answer({ execution: EXECUTION, answer: 'approve', by: 'Ada' });
    expect(JSON.stringify([results, said, messages, whole])).not.toContain('the-token');
  });
});
