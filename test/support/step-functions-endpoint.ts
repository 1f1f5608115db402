import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClock } from '../../rehearsal/clock.ts';
import { type Execution, type Integration, startExecution } from '../../rehearsal/interpreter/execution.ts';
import type { Json, StateMachine } from '../../statemachine/asl.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';

const ACCOUNT = '123456789012';
const REGION = 'me-central-1';
const STACK = 'sphere-zooid-relay';

interface Kept {
  execution: Execution;
  machine: MachineName;
  input: string;
  startedAt: number;
  stoppedAt: number | null;
}

/** AWS as far as the commands ask it, over HTTP: Step Functions by the interpreter, and the answers of other services as given. */
export interface Endpoint {
  url: string;
  /** Environment of a program that talks to it. */
  environment: Record<string, string>;
  /** Everything that was started, oldest first. */
  started: Kept[];
  /** Calls that are answered by an error: name and message by the operation's name. */
  failures: Map<string, { name: string; message: string; times: number }>;
  /** Lines of the logs, by the name of their stream. */
  logs: Map<string, string[]>;
  close(): Promise<void>;
}

export const executionArn = (machine: MachineName, name: string): string =>
  `arn:aws:states:${REGION}:${ACCOUNT}:execution:${STACK}-${machine}:${name}`;

const machineArn = (machine: MachineName): string =>
  `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${STACK}-${machine}`;

/** @param definitions the machines that are deployed */
export async function startEndpoint(
  definitions: Partial<Record<MachineName, StateMachine>>,
  integration: Integration,
): Promise<Endpoint> {
  const started: Kept[] = [];
  const failures: Endpoint['failures'] = new Map();
  const logs: Endpoint['logs'] = new Map();
  const clock = createClock({ speed: 1 });
  const calls = operations({ definitions, integration, started, logs, clock });
  const server = createServer((request, response) => {
    answer(request, response, { definitions, failures, calls }).catch((error: Error) => {
      response.writeHead(500).end(String(error.stack));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, started, failures, logs },
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_MAX_ATTEMPTS: '1',
    },
    async close() {
      for (const { execution } of started) execution.stop('Test', 'The test is over');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answering {
  definitions: Partial<Record<MachineName, StateMachine>>;
  failures: Endpoint['failures'];
  calls: Record<string, (input: Record<string, Json>) => object>;
}

class ApiError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, { definitions, failures, calls }: Answering) {
  let body = '';
  for await (const chunk of request) body += chunk;
  const target = String(request.headers['x-amz-target'] ?? new URLSearchParams(body).get('Action'));
  const operation = target.split('.').at(-1) as string;
  const failure = failures.get(operation);
  if (failure && failure.times > 0) {
    failure.times--;
    return refuse(response, target, failure);
  }
  if (operation === 'DescribeStacks') return response.end(stackXml(Object.keys(definitions)));
  try {
    const call = calls[operation];
    if (!call) throw new Error(`The endpoint has no ${operation}.`);
    response.setHeader('Content-Type', 'application/x-amz-json-1.0');
    response.end(
      JSON.stringify(call(JSON.parse(body)), (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refuse(response, target, error);
  }
}

function refuse(response: ServerResponse, target: string, { name, message }: { name: string; message: string }): void {
  if (target.includes('.')) response.writeHead(400, { 'Content-Type': 'application/x-amz-json-1.0' });
  else response.writeHead(400, { 'Content-Type': 'text/xml' });
  response.end(
    target.includes('.')
      ? JSON.stringify({ __type: name, message })
      : `<ErrorResponse><Error><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
}

function stackXml(machines: string[]): string {
  const outputs = machines.map((machine) => {
    const key = `${machine.charAt(0).toUpperCase()}${machine.slice(1)}StateMachine`;
    return `<member><OutputKey>${key}</OutputKey><OutputValue>${machineArn(machine as MachineName)}:live</OutputValue></member>`;
  });
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${STACK}-cutover</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${outputs.join('')}<member><OutputKey>Artefacts</OutputKey><OutputValue>artefacts</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}

interface Operating {
  definitions: Partial<Record<MachineName, StateMachine>>;
  integration: Integration;
  started: Kept[];
  logs: Endpoint['logs'];
  clock: ReturnType<typeof createClock>;
}

function operations({ definitions, integration, started, logs, clock }: Operating): Answering['calls'] {
  const find = (arn: Json | undefined): Kept => {
    const kept = started.find(({ execution }) => execution.arn === arn);
    if (!kept) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return kept;
  };
  const follow = (kept: Kept): void => {
    kept.stoppedAt = null;
    kept.execution.done.then(() => {
      kept.stoppedAt = clock.now().getTime() / 1000;
    });
  };
  return {
    StartExecution({ stateMachineArn, name, input }) {
      const machine = String(stateMachineArn)
        .split(':')[6]
        ?.slice(STACK.length + 1) as MachineName;
      const same = started.find((one) => one.machine === machine && one.execution.name === name);
      if (same && (same.execution.status !== 'RUNNING' || same.input !== input))
        throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${same.execution.arn}'`);
      if (same) return { executionArn: same.execution.arn, startDate: same.startedAt };
      const execution = startExecution({
        machine: definitions[machine] as StateMachine,
        stateMachineArn: machineArn(machine),
        name: String(name),
        input: JSON.parse(String(input)) as Json,
        ...{ integration, clock },
      });
      const kept = {
        execution,
        machine,
        input: String(input),
        startedAt: clock.now().getTime() / 1000,
        stoppedAt: null,
      };
      started.push(kept);
      follow(kept);
      return { executionArn: execution.arn, startDate: kept.startedAt };
    },
    ListExecutions({ stateMachineArn, maxResults }) {
      const all = started.filter(({ machine }) => machineArn(machine) === stateMachineArn);
      return { executions: all.map(description).reverse().slice(0, Number(maxResults)) };
    },
    DescribeExecution: ({ executionArn: arn }) => withEnd(find(arn)),
    DescribeStateMachineForExecution: ({ executionArn: arn }) => ({
      definition: JSON.stringify(definitions[find(arn).machine]),
    }),
    GetExecutionHistory({ executionArn: arn, reverseOrder, maxResults }) {
      const events = find(arn).execution.history.map(({ timestamp, ...event }) => ({
        ...event,
        timestamp: (timestamp?.getTime() ?? 0) / 1000,
      }));
      return { events: (reverseOrder ? events.reverse() : events).slice(0, Number(maxResults)) };
    },
    RedriveExecution({ executionArn: arn }) {
      const kept = find(arn);
      kept.execution.redrive();
      follow(kept);
      return { redriveDate: clock.now().getTime() / 1000 };
    },
    DescribeTaskDefinition: () => ({
      taskDefinition: {
        containerDefinitions: [
          {
            name: 'migrate',
            logConfiguration: {
              logDriver: 'awslogs',
              options: { 'awslogs-group': 'relay', 'awslogs-stream-prefix': 'migrate' },
            },
          },
        ],
      },
    }),
    GetLogEvents({ logStreamName, nextToken }) {
      const lines = logs.get(String(logStreamName));
      if (!lines) throw new ApiError('ResourceNotFoundException', 'The specified log stream does not exist.');
      const from = Number(nextToken ?? 0);
      return {
        events: lines.slice(from).map((message) => ({ message, timestamp: 0 })),
        nextForwardToken: String(lines.length),
      };
    },
  };
}

function description({ execution, startedAt, stoppedAt }: Kept): object {
  const { arn, name, status, redriveCount } = execution;
  return {
    ...{ executionArn: arn, name, status, redriveCount, startDate: startedAt },
    ...(stoppedAt !== null && { stopDate: stoppedAt }),
  };
}

function withEnd(kept: Kept): object {
  const { history, status } = kept.execution;
  const last = history.at(-1);
  const { output } = last?.executionSucceededEventDetails ?? {};
  const { error, cause } =
    last?.executionFailedEventDetails ??
    last?.executionAbortedEventDetails ??
    last?.executionTimedOutEventDetails ??
    {};
  const redriveStatus = status === 'RUNNING' || status === 'SUCCEEDED' ? 'NOT_REDRIVABLE' : 'REDRIVABLE';
  return { ...description(kept), input: kept.input, output, error, cause, redriveStatus };
}
