import type { State, StateMachine, States } from '../../statemachine/asl.ts';
import { DIFFERENCES } from './differences.ts';

interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the resource type has.
  Properties: any;
}

interface Template {
  Resources: Record<string, Resource>;
}

/** What the emulator cannot do with the synthesized stack, and what it gets instead. */
const CHANGES: { title: string; type: string; change(properties: Resource['Properties']): void }[] = [
  {
    title: 'functions tell the names of their errors, by a runtime of the test',
    type: 'AWS::Lambda::Function',
    change: (properties) => Object.assign(properties, { Runtime: 'provided.al2023' }),
  },
  {
    title: 'definitions do without what the emulator does not know',
    type: 'AWS::StepFunctions::StateMachine',
    change(properties) {
      const machine: StateMachine = JSON.parse(properties.DefinitionString);
      const bridged = DIFFERENCES.reduce((changed, { definition }) => definition?.(changed) ?? changed, machine);
      properties.DefinitionString = JSON.stringify({ ...bridged, States: withPlainTimeouts(bridged.States) });
    },
  },
];

/** It does not evaluate the expression of a timeout; what comes of it is looked at by the parity test. */
const TIMEOUT_SECONDS = 300;

function withPlainTimeouts(states: States): States {
  return Object.fromEntries(
    Object.entries(states).map(([name, state]): [string, State] => {
      if (state.Type === 'Map') {
        const { ItemProcessor: processor } = state;
        return [name, { ...state, ItemProcessor: { ...processor, States: withPlainTimeouts(processor.States) } }];
      }
      const isExpression = state.Type === 'Task' && typeof state.TimeoutSeconds === 'string';
      return [name, isExpression ? { ...state, TimeoutSeconds: TIMEOUT_SECONDS } : state];
    }),
  );
}

const ALIASING = /^AWS::StepFunctions::StateMachine(Version|Alias)$/;

/** It has no versions and aliases of machines in templates: whoever names one gets the machine behind it. */
function withoutAliases(template: Template): Template {
  const { Resources: resources } = template;
  const isAliasing = (id: string): boolean => ALIASING.test(resources[id]?.Type ?? '');
  const machineBehind = (id: string): string => {
    if (!isAliasing(id)) return id;
    const text = JSON.stringify(resources[id]);
    const [, named = ''] = /"(?:Ref":|Fn::GetAtt":\[)"(\w+)"/.exec(text) ?? [];
    return machineBehind(named);
  };
  const text = JSON.stringify({ ...template, Resources: without(resources, isAliasing) });
  return JSON.parse(text, (_, value) => {
    const named = value?.Ref ?? value?.['Fn::GetAtt']?.[0];
    return named !== undefined && isAliasing(named) ? { Ref: machineBehind(named) } : value;
  });
}

function without(resources: Template['Resources'], isLeftOut: (id: string) => boolean): Template['Resources'] {
  return Object.fromEntries(Object.entries(resources).filter(([id]) => !isLeftOut(id)));
}

/** @param text of the synthesized template */
export function templateForEmulator(text: string): string {
  const template = withoutAliases(JSON.parse(text));
  for (const resource of Object.values(template.Resources)) {
    for (const { change } of CHANGES.filter(({ type }) => type === resource.Type)) change(resource.Properties);
  }
  return JSON.stringify(template);
}
