import { describe, expect, it } from 'vitest';
import type { Fault } from '../../rehearsal/faults.ts';
import { type Rehearsed, rehearsed } from '../support/rehearsed.ts';
import { smallSource } from '../support/small-relay.ts';

/** Every token that a history holds: Step Functions itself writes it into the parameters of the task that waits. */
function tokensIn({ said }: Rehearsed): string[] {
  return [...said.matchAll(/\\"token\\":\\"([0-9a-f-]{36})\\"/g)].map(([, token]) => token as string);
}

/** It stands once in all that was said: in the event that AWS writes it into as well. */
function expectTokenKept(ended: Rehearsed): void {
  const [token, ...others] = new Set(tokensIn(ended));
  expect(token).toBeDefined();
  expect(others).toEqual([]);
  const lines = ended.said.split('\n').filter((line) => line.includes(token as string));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('"type":"TaskScheduled"');
  expect(lines[0]).toContain('"resource":"invoke.waitForTaskToken"');
}

function statesOf({ record }: Rehearsed): string[] {
  return record.states.map(({ name }) => name);
}

function expectUnchanged(ended: Rehearsed): void {
  const { record, holder } = ended;
  expect(record).toMatchObject({ outcome: 'PreflightFailed', exitCode: 1, writeStop: null });
  expect(record.serving.store).toBe('sqlite');
  expect(record.published.served).toBe(record.published.acknowledged);
  expect(statesOf(ended)).not.toContain('RecordPlan');
  // The rule starts restore after every cutover that has failed; it finds that nothing is to be brought back.
  expect(statesOf(ended)).toContain('PreflightFailed');
  expect(statesOf(ended).at(-1)).toBe('NothingToDo');
  expect(holder).toBe('source');
}

describe('a cutover that waits for approval', () => {
  it.concurrent('begins when a person has approved it, and tells everybody else so', async () => {
    const ended = await rehearsed({ options: { sourceDirectory: smallSource(), approval: 'approve' } });
    expect(ended.record).toMatchObject({ outcome: 'CutoverComplete', exitCode: 0 });
    expectTokenKept(ended);
    expect(statesOf(ended).filter((name) => name === 'Preflight')).toHaveLength(2);
    expect(ended.said).toMatch(
      /Ada says approve, and is told: The execution \S+ is approved by Ada at \S+Z\. It looks/,
    );
    expect(ended.said).toMatch(
      /Grace says approve, and is told: The execution \S+ was approved by Ada at \S+Z already\./,
    );
    expect(ended.said).toMatch(
      /Grace says reject, and is told: Refused: The execution \S+ was approved by Ada at \S+Z already\. It cannot be rejected/,
    );
  });

  it.concurrent('ends with nothing changed when a person rejects it', async () => {
    const ended = await rehearsed({ options: { sourceDirectory: smallSource(), approval: 'reject' } });
    expectUnchanged(ended);
    expect(ended.record.sentence).toMatch(
      /^Nothing was changed; the relay runs as before\. AskApproval failed with ApprovalRejected: Ada rejected the cutover at \S+Z: not on a Friday$/,
    );
    expect(ended.said).toMatch(/Grace says approve, and is told: Refused: The execution \S+ was rejected by Ada at/);
  });

  it.concurrent('ends with nothing changed when nobody answers in time', async () => {
    const ended = await rehearsed({
      settings: { approvalTimeoutSeconds: 600 },
      options: { sourceDirectory: smallSource(), approval: 'late' },
    });
    expectUnchanged(ended);
    expect(ended.record.sentence).toContain(
      'AskApproval failed with ApprovalTimedOut: nobody approved or rejected the cutover within 600 s',
    );
    expect(ended.said).toMatch(/Ada says approve, and is told: Refused: The execution \S+ waited for an answer until/);
  });

  it.concurrent('ends with nothing changed when the plan is another one by the time of the answer', async () => {
    const change: Fault = {
      name: 'changed',
      title: 'somebody gives the clients more time to go, while people look at the plan',
      state: 'AskApproval',
      when: 'after',
      // Of the list of faults; this one is not on it.
      outcome: 'RolledBack',
      harm: async ({ world }) => {
        world.surroundings.deregistrationDelaySeconds = async () => 77;
      },
    };
    const ended = await rehearsed({
      faults: [change],
      options: { sourceDirectory: smallSource(), approval: 'approve' },
    });
    expectUnchanged(ended);
    expect(ended.record.sentence).toMatch(
      /NeedsApproval failed with PlanChanged: what the cutover would change is not any more what Ada approved at \S+Z/,
    );
  });
});
