import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/store-report.ts';
import type { ExecutionAudit } from '../../report/execution-audit.ts';

const arnOf = (machine: string, name: string): string =>
  `arn:aws:states:me-central-1:123456789012:execution:relay-${machine}:${name}`;

function audit(machine: string, name: string, given: Partial<ExecutionAudit> = {}): ExecutionAudit {
  return {
    ...{ machine, name, arn: arnOf(machine, name), status: 'SUCCEEDED', redrives: 0, definition: null },
    ...{ startedAt: '2026-11-28T12:00:00.000Z', stoppedAt: '2026-11-28T12:05:00.000Z' },
    ...{ input: {}, output: { outcome: 'Restored', sentence: 'It serves.' }, error: null, cause: null, history: [] },
    ...given,
  };
}

function bucketOf(...audits: ExecutionAudit[]) {
  const stored = new Map<string, string>();
  const handler = createHandler({
    stackName: 'relay',
    async read(arn) {
      const found = audits.find((one) => one.arn === arn);
      if (found) return found;
      throw Object.assign(new Error('Execution Does Not Exist'), { name: 'ExecutionDoesNotExist' });
    },
    put: async (key, text) => void stored.set(key, text),
  });
  return {
    stored,
    ended: (machine: string, name: string) => handler({ detail: { executionArn: arnOf(machine, name) } }),
  };
}

describe('the function that stores reports', () => {
  it('stores page and data of the execution as it stands now, whatever the event was of', async () => {
    const cutover = audit('cutover', 'one', { status: 'FAILED', error: 'HeldForOperator', cause: 'Held at X.' });
    const { stored, ended } = bucketOf(cutover);
    expect(await ended('cutover', 'one')).toEqual({
      keys: ['reports/relay/cutover/one.json', 'reports/relay/cutover/one.html'],
    });
    expect(JSON.parse(stored.get('reports/relay/cutover/one.json') ?? '').verdict.standing).toBe('held');
    // The first event again, late: meanwhile somebody has redriven it.
    Object.assign(cutover, { status: 'RUNNING', error: null, cause: null, stoppedAt: null });
    await ended('cutover', 'one');
    expect(stored.size).toBe(2);
    expect(JSON.parse(stored.get('reports/relay/cutover/one.json') ?? '').verdict.standing).toBe('running');
    expect(stored.get('reports/relay/cutover/one.html')).toContain('<h1>It is still running</h1>');
  });

  it('tells of a restore with what it follows, if that is still known', async () => {
    const input = { execution: arnOf('cutover', 'one') };
    const restore = audit('restore', 'two', { input, startedAt: '2026-11-28T12:05:00.000Z' });
    for (const [known, machines] of [
      [
        [restore, audit('cutover', 'one')],
        ['cutover', 'restore'],
      ],
      [[restore], ['restore']],
    ] as const) {
      const { stored, ended } = bucketOf(...known);
      await ended('restore', 'two');
      const { executions } = JSON.parse(stored.get('reports/relay/restore/two.json') ?? '');
      expect(executions.map(({ machine }: { machine: string }) => machine)).toEqual(machines);
    }
  });

  it('fails, to be called again, when Step Functions cannot be asked', async () => {
    const handler = createHandler({
      stackName: 'relay',
      read: async () => {
        throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
      },
      put: async () => {},
    });
    await expect(handler({ detail: { executionArn: arnOf('cutover', 'one') } })).rejects.toThrow('Rate exceeded');
  });
});
