import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { atExit } from '../at-exit.ts';
import { entrust } from '../reaper.ts';
import type { ContainerDefinition, ContainerOverride } from './model.ts';

/** A program that stands for a container image, started as a process of this machine. */
export interface Program {
  command: string;
  args: string[];
}

/** What of this machine takes the place of what a container has in the cloud. */
export interface Host {
  /** The program behind an image; undefined when the image cannot be pulled. */
  programFor(image: string): Program | undefined;
  /** Local directory of an EFS volume. */
  volumeDirectory(sourceVolume: string): string;
  /** Value of a secret, by the ARN in `valueFrom`. */
  secretValue(valueFrom: string): string;
  /** Variables that every process needs here and no container has, such as PATH. */
  environment: Record<string, string>;
  onLog(container: string, line: string): void;
  /** A container's program runs from now on, until `exited` resolves. */
  onStart(definition: ContainerDefinition, override: ContainerOverride | undefined, exited: Promise<number>): void;
}

export interface Container {
  /** Where the program listens, when its definition has a port. */
  port: number | undefined;
  /** Resolves with the exit code; 137 after SIGKILL, as a container runtime says it. */
  exited: Promise<number>;
  signal(name: NodeJS.Signals): void;
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/**
 * Starts one container as a child process with the environment of its definition: paths of mounted volumes become local
 * directories, PORT a free port, secrets their values.
 *
 * @throws Error with ECS's CannotPullContainerError when no program stands for the image
 */
export function startContainer(
  definition: ContainerDefinition,
  override: ContainerOverride | undefined,
  host: Host,
  port: number,
): Container {
  const program = host.programFor(definition.image);
  if (!program)
    throw new Error(
      `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${definition.image}: not found`,
    );
  const hasPort = (definition.portMappings ?? []).length > 0;
  const environment = {
    ...host.environment,
    ...localEnvironment(definition, override, host),
    ...(hasPort && { PORT: String(port) }),
  };
  const child = spawn(program.command, [...program.args, ...(override?.command ?? definition.command ?? [])], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // For a rehearsal that ends without its orderly way out: a container must not outlive its cloud.
  const ended = atExit(() => void child.kill('SIGKILL'));
  const over = child.pid === undefined ? () => {} : entrust({ process: child.pid });
  child.once('exit', over);
  child.once('close', ended);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => host.onLog(definition.name, line));
  }
  const exited = exitCodeOf(child);
  host.onStart(definition, override, exited);
  return { port: hasPort ? port : undefined, exited, signal: (name) => void child.kill(name) };
}

function localEnvironment(
  definition: ContainerDefinition,
  override: ContainerOverride | undefined,
  host: Host,
): Record<string, string> {
  const variables = [...(definition.environment ?? []), ...(override?.environment ?? [])];
  const mounts = definition.mountPoints ?? [];
  const localPath = (value: string): string => {
    const mount = mounts.find(({ containerPath }) => value === containerPath || value.startsWith(`${containerPath}/`));
    return mount ? host.volumeDirectory(mount.sourceVolume) + value.slice(mount.containerPath.length) : value;
  };
  return Object.fromEntries([
    ...variables.map(({ name, value }) => [name, localPath(value)] as const),
    ...(definition.secrets ?? []).map(({ name, valueFrom }) => [name, host.secretValue(valueFrom)] as const),
  ]);
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code, signal) => resolve(code ?? 128 + (SIGNAL_NUMBERS[signal as NodeJS.Signals] ?? 0)));
  });
}
