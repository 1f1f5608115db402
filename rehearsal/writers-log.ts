import type { Names } from '../statemachine/settings.ts';
import type { ContainerDefinition, ContainerOverride } from './ecs/model.ts';

/** Follows which programs could write at the same time, and remembers what must never be. */
export interface WritersLog {
  onStart(definition: ContainerDefinition, override: ContainerOverride | undefined, exited: Promise<number>): void;
  /** One sentence for each time that two relays, or a relay and the way back's migrator, ran at once. */
  readonly overlaps: string[];
}

/**
 * A container runs from the start of its process to its end, whatever ECS says of the task meanwhile: a relay that drains
 * still takes what clients send.
 */
export function createWritersLog(names: Names): WritersLog {
  const running = new Map<Promise<number>, string>();
  const overlaps: string[] = [];
  return {
    overlaps,
    onStart(definition, override, exited) {
      const writer = writerIn(definition, override, names);
      if (writer === undefined) return;
      for (const other of running.values()) overlaps.push(`${writer} was started while ${other} still ran`);
      running.set(exited, writer);
      void exited.then(() => running.delete(exited));
    },
  };
}

function writerIn(
  { name, environment = [], secrets = [] }: ContainerDefinition,
  override: ContainerOverride | undefined,
  names: Names,
): string | undefined {
  if (name === names.migrationContainer)
    return override?.command?.includes('reverse') ? 'the migrator that writes to SQLite' : undefined;
  if (name !== names.container) return undefined;
  if (secrets.some((secret) => secret.name === names.databaseUrlVariable)) return 'a relay on PostgreSQL';
  return environment.some((variable) => variable.name === names.dataVariable) ? 'a relay on SQLite' : 'a relay';
}
