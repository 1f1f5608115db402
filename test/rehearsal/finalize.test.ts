import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finalize } from '../../rehearsal/finalize.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import { servedEvents } from '../../rehearsal/writer.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import { finalizeMachine } from '../../statemachine/finalize/finalize.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { failing, failingInTurn } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';
import { underWriter } from '../support/standing.ts';

const machine = finalizeMachine(parseSettings());
/** The halt itself is on the way of every one of them, and a release that fails is passed over. */
const tasks = Object.entries(machine.States)
  .filter(([name, { Type }]) => Type === 'Task' && !/^(Hold|Release)/.test(name))
  .map(([name]) => name);

const DAY_SECONDS = 86_400;

describe('the machine finalize', () => {
  const directory = mkdtempSync(join(tmpdir(), 'finalize-'));
  const sourceDirectory = join(directory, 'data');
  let undisturbed: object;
  beforeAll(() => makeSmallRelay(sourceDirectory));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('is refused before its time, archives, lets go of the file system, and deletes it when asked again', async () => {
    const { record } = await rehearsed({
      options: { sourceDirectory },
      whileItStands: async (_, stage) => {
        const early = await stage.stepFunctions.start('finalize', {}).done;
        expect(early).toMatchObject({
          error: 'FinalizeFailed',
          cause: expect.stringContaining('IsConfident failed with NotConfident: PostgreSQL holds the truth since '),
        });
        expect(stage.world.objectStore.objects.size).toBe(0);

        const kept = await finalize(stage, {});
        expect(kept).toMatchObject({
          outcome: 'FinalizeComplete',
          fileSystem: { outcome: 'kept', id: expect.stringMatching(/^fs-/) },
          deregistered: [],
          snapshot: { snapshot: expect.stringMatching(/^sphere-zooid-relay-db-finalize-[0-9a-f]{12}$/) },
        });
        expect(kept.removed).toEqual(expect.arrayContaining(['Remove the resource EFSFileSystem']));
        expect(resourcesOf(stage).filter((name) => /EFS|Migration|Rollback/.test(name))).toEqual([]);
        expectArchived(stage, kept.archive as JsonObject);
        expect(existsSync(join(stage.directories.efs, 'db'))).toBe(true);

        undisturbed = await stackOf(stage);
        const deleted = await finalize(stage, { deleteFileSystem: true });
        expect(deleted).toMatchObject({ outcome: 'FinalizeComplete', removed: [], fileSystem: { outcome: 'deleted' } });
        expect(deleted.archive).toEqual(kept.archive);
        expect(existsSync(stage.directories.efs)).toBe(false);

        await expect(finalize(stage, { confidenceDays: 0 })).rejects.toThrow(
          /PreflightFinalize failed with Refused: The input of the execution is not right: .*confidenceDays/,
        );
      },
    });
    expect(record.outcome).toBe('CutoverComplete');
  });

  it('may fail for good at each task under hold; redriven each time, it ends as if nothing had been', async () => {
    const halted: string[] = [];
    const faults = failingInTurn(tasks, 'finalize', halted);
    // What a real failure leaves behind: the call was made, and nobody heard of it.
    const unheard = ['FindSnapshot', 'RunArchive', 'ExecuteRemoval', 'DeleteFileSystem'];
    await rehearsed({
      faults: [...faults, ...unheard.map((state) => failing(state, 'after', 'finalize'))],
      options: { sourceDirectory, publishPerSecond: 0 },
      whileItStands: async (_, stage) => {
        await stage.clock.skip(8 * DAY_SECONDS);
        const execution = stage.stepFunctions.start('finalize', { onFailure: 'hold', deleteFileSystem: true });
        let halts = 0;
        await underWriter(stage, async () => {
          for (let end = await execution.done; end.status !== 'SUCCEEDED'; end = await execution.done) {
            expect(end).toMatchObject({ error: 'HeldForOperator' });
            expect(++halts).toBeLessThanOrEqual(tasks.length + unheard.length);
            for (const fault of faults) await fault.repair?.(stage);
            await stage.clock.skip(600);
            stage.stepFunctions.redrive(execution);
          }
        });
        expect((await servedEvents(stage.world.endpoint, stage.acknowledged)).size).toBe(stage.acknowledged.length);
        expect(halted.toSorted()).toEqual(tasks.toSorted());
        expect(halts).toBeGreaterThanOrEqual(tasks.length);
        const output = (await execution.done).output as JsonObject;
        expect(output).toMatchObject({ outcome: 'FinalizeComplete', fileSystem: { outcome: 'deleted' } });
        expectArchived(stage, output.archive as JsonObject);
        expect(existsSync(stage.directories.efs)).toBe(false);
        expect(await stackOf(stage)).toEqual(undisturbed);
      },
    });
  });
});

/** Everything that finalize leaves of the stack and that does not bear the name or the time of one run. */
async function stackOf(stage: Stage): Promise<object> {
  const { world, options } = stage;
  const stack = { StackName: options.settings.stackName };
  const { TemplateBody } = (await world.cloudFormation.call('GetTemplate', stack)) as { TemplateBody: string };
  const { Stacks } = (await world.cloudFormation.call('DescribeStacks', stack)) as {
    Stacks: [{ Parameters: object; Outputs: object }];
  };
  return { TemplateBody, Parameters: Stacks[0].Parameters, Outputs: Stacks[0].Outputs, names: resourcesOf(stage) };
}

function resourcesOf({ world, options }: Stage): string[] {
  return Object.keys(world.cloudFormation.stackResources(options.settings.stackName));
}

function expectArchived({ world }: Stage, archive: JsonObject): void {
  const files = archive.files as { file: string; sha256: string; versionId: string }[];
  expect(files.map(({ file }) => file)).toEqual(expect.arrayContaining(['db', 'db-wal']));
  for (const { file, sha256, versionId } of files) {
    const versions = world.objectStore.objects.get(`${archive.bucket}/${archive.prefix}${file}`);
    expect(versions?.at(-1)).toMatchObject({ sha256, versionId });
  }
}
