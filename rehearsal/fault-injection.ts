import type { StateMachine } from '../statemachine/asl.ts';
import type { Fault } from './faults.ts';
import type { Integration } from './interpreter/execution.ts';
import type { Stage } from './stage.ts';
import type { MachineName } from './step-functions.ts';

/** Does the faults' harm around the calls of their states. */
export function withFaults(faults: Fault[], integration: Integration, stage: () => Stage): Integration {
  const done = new Set<Fault>();
  const harm = async (when: Fault['when'], call: Parameters<Integration>[0]): Promise<void> => {
    const { State, StateMachine } = call.context as { State: { Name: string }; StateMachine: { Name: string } };
    for (const fault of faults) {
      if (!StateMachine.Name.endsWith(`-${fault.machine ?? 'cutover'}`)) continue;
      if (!fault.harm || when !== fault.when || State.Name !== fault.state) continue;
      if (done.has(fault) && when !== 'instead') continue;
      if (!done.has(fault)) stage().options.observer.step(`Fault "${fault.name}": ${fault.title}`);
      done.add(fault);
      await fault.harm(stage(), call.signal);
    }
  };
  return async (call) => {
    await harm('instead', call);
    await harm('before', call);
    const output = await integration(call);
    await harm('after', call);
    return output;
  };
}

/** The machine `cutover` with the states that faults break in the definition itself; every other machine as it is. */
export function withBrokenStates(faults: Fault[], machine: MachineName, definition: StateMachine): StateMachine {
  if (machine !== 'cutover') return definition;
  const broken = faults.flatMap(({ state, edit }) => {
    const found = definition.States[state];
    return edit && found ? [[state, edit(found)] as const] : [];
  });
  return { ...definition, States: { ...definition.States, ...Object.fromEntries(broken) } };
}
