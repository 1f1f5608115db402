import type { TaskDefinition } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RelayWorldEvent } from '../../lambdas/preflight/relay-world.ts';
import { createHandler, type RollbackPlan } from '../../lambdas/preflight-rollback.ts';
import { switchTemplate } from '../../lambdas/template-edits/back.ts';
import { removeRecord } from '../../lambdas/template-edits/record.ts';
import type { World } from '../../rehearsal/world.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { preparedTemplate } from '../support/prepared-template.ts';
import {
  type Changes,
  clientsOf,
  PASSWORD,
  type RelayWorld,
  refusal,
  relayWorld,
  SECRET_KEY,
  TARGET,
} from '../support/relay-world.ts';

const { names, stackName, newImage } = parseSettings();
const EVENT: RelayWorldEvent = { input: {}, stackName, names, newImage, sampleEvents: 32 };
const SWITCHED = switchTemplate(preparedTemplate, names, newImage).text;

let world: World;
let remove: RelayWorld['remove'];
beforeAll(async () => {
  ({ world, remove } = await relayWorld(preparedTemplate));
});
afterAll(() => remove());

/** The stack as a cutover leaves it, as far as a preflight sees it: nobody's PostgreSQL is there for a relay. */
const switched = (text = SWITCHED): Changes => ({
  GetTemplate: () => ({ TemplateBody: text }),
  DescribeTaskDefinition: (answer: { taskDefinition: TaskDefinition }) => {
    for (const container of answer.taskDefinition.containerDefinitions ?? []) {
      container.environment = (container.environment ?? []).filter(({ name }) => name !== names.dataVariable);
      container.secrets = [{ name: names.databaseUrlVariable, valueFrom: 'arn:of:the-url' }];
    }
    return answer;
  },
});

function preflight(changes: Changes = switched(), event: Partial<RelayWorldEvent> = {}): Promise<RollbackPlan> {
  return createHandler({
    ...clientsOf(world, changes),
    endpoint: () => world.endpoint,
    surroundings: world.surroundings,
  })({ ...EVENT, ...event });
}

const without = (...gone: string[]): Changes => ({
  ...switched(),
  DescribeStackResources: ({ StackResources }: { StackResources: { LogicalResourceId: string }[] }) => ({
    StackResources: StackResources.filter(({ LogicalResourceId }) => !gone.includes(LogicalResourceId)),
  }),
});

describe('preflight-rollback', () => {
  it('resolves the names, and chooses events that the old relay has to serve', async () => {
    const plan = await preflight();
    expect(plan).toEqual({
      cluster: expect.any(String),
      service: `${stackName}-zooid-relay`,
      family: `${stackName}-zooid-relay`,
      domain: 'relay.test',
      newTaskDefinition: expect.stringContaining(`task-definition/${stackName}-zooid-relay:`),
      migration: {
        taskDefinition: expect.stringContaining('-migrate:'),
        subnets: expect.any(Array),
        securityGroups: expect.any(Array),
      },
      rollback: { taskDefinition: expect.stringContaining('-rollback:') },
      target: TARGET,
      samples: expect.any(Array),
      lastChangeSet: null,
    });
    expect(plan.samples).toHaveLength(32);
    expect(JSON.stringify(plan)).not.toMatch(new RegExp(`${PASSWORD}|${SECRET_KEY}`));
  });

  it('says after finalize what is left to do by hand, and changes nothing', async () => {
    const gone = [names.fileSystem, names.accessPoint, ...names.mountTargets, names.migrationTaskDefinition];
    expect(await refusal(preflight(without(...gone)))).toBe(
      `The stack ${stackName} has no EFSFileSystem, EFSAccessPoint, EFSMountTarget1, EFSMountTarget2, MigrationTaskDefinition any more: finalize has run, and no machine brings the relay back to SQLite. Nothing was changed; the relay serves from PostgreSQL as before. By hand: deploy the template of before (the artefact bucket has it), with an empty file system; copy the archived db and db-wal from the artefact bucket to it, as the user of the access point; stop the relay, run the migrator in mode reverse with SQLITE_PATH and DATABASE_URL, and see that it ends verified; then start the old relay.`,
    );
  });

  it('tells every finding at once: a relay on SQLite, an unknown key', async () => {
    expect(await refusal(preflight({}, { input: { force: true } }))).toBe(
      'The input of the execution is not right: Unrecognized key: "force". Known: onFailure, comment, allowDeletions. | The container zooid-relay has the environment variable DATA: the relay serves from SQLite; expected the one on PostgreSQL, after a cutover.',
    );
  });

  it('is refused where the template does not take back what the switch took out', async () => {
    expect(await refusal(preflight(switched(removeRecord(SWITCHED))))).toMatch(
      /^The template cannot be brought back to SQLite: .* it has no record of what the switch took out/,
    );
  });

  it('looks at the tasks of the migrator and at the database as the preflight of a cutover does', async () => {
    const taskWith = (change: (task: TaskDefinition) => void): Changes => ({
      ...switched(),
      DescribeTaskDefinition: (answer: { taskDefinition: TaskDefinition }) => {
        (switched().DescribeTaskDefinition as (found: object) => void)(answer);
        change(answer.taskDefinition);
        return answer;
      },
    });
    const readOnly = taskWith(({ family, containerDefinitions: [container] = [] }) => {
      if (family?.endsWith('-rollback')) for (const mount of container?.mountPoints ?? []) mount.readOnly = true;
    });
    expect(await refusal(preflight(readOnly))).toMatch(/^The rollback task definition mounts EFS for reading only/);
  });
});
