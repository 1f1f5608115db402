import * as ecs from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import type { Json, TaskState } from '../../statemachine/asl.ts';
import { MACHINES } from '../../statemachine/machines.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { machineAround, type PlacedState, statesOf } from '../emulator/around-a-state.ts';
import { runInInterpreter } from '../emulator/parity-runs.ts';
import { INPUT, ITEM, VARIABLES } from '../emulator/samples.ts';

const settings = parseSettings({});
const tasks = Object.entries(MACHINES)
  .flatMap(([name, machineOf]) => statesOf(name, machineOf(settings)))
  .filter((place): place is PlacedState & { state: TaskState } => place.state.Type === 'Task');
const called = (part: string) => tasks.filter(({ state }) => state.Resource.includes(part));
const LAMBDA = 'arn:aws:states:::lambda:invoke';
const isLambda = ({ state }: (typeof tasks)[number]) => [LAMBDA, `${LAMBDA}.waitForTaskToken`].includes(state.Resource);

/** What Step Functions knows of `lambda:invoke`. Source: developer guide, "Invoke an AWS Lambda function with Step Functions". */
const LAMBDA_PARAMETERS = ['ClientContext', 'FunctionName', 'InvocationType', 'Payload', 'Qualifier'];

/** Names that come from no exception of the ECS API's model. */
const OTHER_ECS_ERRORS = [
  // What the service says outside its model, throttling for one, and what could not be read at all.
  'ECS.AmazonECSException',
  'AmazonECS.Unknown',
  'ECS.ThrottlingException',
];

/** The arguments of a state's call, with usual values in the place of its expressions. */
async function argumentsOf(place: PlacedState): Promise<Json> {
  const machine = machineAround(place, VARIABLES, place.path.split('/').length > 2 ? ITEM : INPUT);
  const script = () => ({ result: {} });
  const { calls } = await runInInterpreter({ title: place.path, machine, input: {}, script }, settings.region);
  return calls[0] as Json;
}

/** Every member's name begins with another case in the API than in a state. @throws Error for one that does not */
function toApiCase(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(toApiCase);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (!/^[A-Z]/.test(name)) throw new Error(`${name} does not begin with a capital letter.`);
      return [name.charAt(0).toLowerCase() + name.slice(1), toApiCase(member)];
    }),
  );
}

/** What the SDK would send: it leaves out whatever its model of the API does not know. */
async function sentBySdk(action: string, input: Json): Promise<Json> {
  const name = `${action.charAt(0).toUpperCase()}${action.slice(1)}Command`;
  const Command = (ecs as unknown as Record<string, new (input: unknown) => ecs.DescribeServicesCommand>)[name];
  if (!Command) throw new Error(`The SDK of ECS has no ${name}.`);
  let body = '';
  const client = new ecs.ECSClient({
    region: settings.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    requestHandler: {
      async handle(request: { body: string }) {
        body = request.body;
        throw new Error('not sent');
      },
    },
  });
  await expect(client.send(new Command(input))).rejects.toThrow('not sent');
  return JSON.parse(body);
}

describe('the parameters of the integrations', () => {
  it('are those of Lambda and ECS, as far as the machines call anything', () => {
    const known = tasks.filter((place) => isLambda(place) || place.state.Resource.includes('ecs:'));
    expect(known).toEqual(tasks);
    expect(called('ecs:').length).toBeGreaterThan(3);
  });

  it.each(called('ecs:'))('$path passes to ECS only what its API knows, in capital letters', async (place) => {
    const action = /ecs:(\w+)/.exec(place.state.Resource)?.[1] as string;
    const given = toApiCase(await argumentsOf(place));
    // It may add a client token of its own.
    expect(await sentBySdk(action, given)).toMatchObject(given as object);
  });

  it.each(called(LAMBDA))('$path passes to Lambda only what it knows', ({ state }) => {
    expect(LAMBDA_PARAMETERS).toEqual(expect.arrayContaining(Object.keys(state.Arguments as object)));
  });
});

describe('the errors of ECS', () => {
  const names = called('ecs:')
    .flatMap(({ state }) => [...(state.Retry ?? []), ...(state.Catch ?? [])])
    .flatMap(({ ErrorEquals }) => ErrorEquals)
    .filter((name) => /ecs/i.test(name));

  it.each([...new Set(names)])('%s is one', (name) => {
    if (OTHER_ECS_ERRORS.includes(name)) return;
    expect(Object.keys(ecs)).toContain(name.replace(/^ECS\./, ''));
  });

  it('are tried again after', () => {
    expect(names).toContain('ECS.ServerException');
  });
});
