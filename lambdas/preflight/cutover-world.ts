import { switchEdits } from '../template-edits/switch.ts';
import type { CutoverWorld } from './cutover-checks.ts';
import { migratorParts } from './migrator-plan.ts';
import { type Parts, part } from './parts.ts';
import { editing } from './preview.ts';
import { type RelayWorldDependencies, type RelayWorldEvent, relayParts } from './relay-world.ts';
import type { Surroundings } from './surroundings.ts';

export interface CutoverWorldDependencies extends RelayWorldDependencies {
  surroundings: Surroundings;
}

/** How everything is read that the checks before a cutover look at: the stack, the service, the database and the old relay. */
export function cutoverParts(dependencies: CutoverWorldDependencies, event: RelayWorldEvent): Parts<CutoverWorld> {
  const { names, newImage } = event;
  const relay = relayParts(dependencies, { ...event, machine: 'cutover' }, [
    ...[names.migrationTaskDefinition, names.rollbackTaskDefinition, ...names.subnets, names.securityGroup],
    ...[names.targetGroup, names.databaseInstance, names.databaseUrlSecret],
  ]);
  return {
    ...migratorParts(dependencies, relay),
    newImageAnswer: part(() => dependencies.surroundings.askRegistry(newImage)),
    switching: part(async () => editing(await relay.template(), () => switchEdits(names, newImage))),
  };
}
