import jsonata from 'jsonata';
import type { Catcher, Json, JsonObject, State, StateMachine, States } from '../../statemachine/asl.ts';

/** A way out of a state, with the variables that are assigned on it and on no other. */
export interface Edge {
  kind: 'next' | 'catch';
  to: string;
  assigned: string[];
}

export interface NamedState {
  name: string;
  state: State;
}

/** All states, those inside a Map too. */
export function allStates(states: States): NamedState[] {
  return Object.entries(states).flatMap(([name, state]) => [
    { name, state },
    ...(state.Type === 'Map' ? allStates(state.ItemProcessor.States) : []),
  ]);
}

export function catchersOf(state: State): Catcher[] {
  return 'Catch' in state ? (state.Catch ?? []) : [];
}

/** A Catch carries its own Assign; that of the state is lost with the failure. */
export function edgesOf(state: State): Edge[] {
  const names = (assign: JsonObject | undefined): string[] => Object.keys(assign ?? {});
  const own = 'Assign' in state ? names(state.Assign) : [];
  const caught = catchersOf(state).map(({ Next, Assign }) => ({
    kind: 'catch' as const,
    to: Next,
    assigned: names(Assign),
  }));
  if (state.Type === 'Choice') {
    // AWS: a rule that matches assigns its own variables, and the state's Assign counts for the Default only.
    const rules = state.Choices.map(({ Next, Assign }) => ({
      kind: 'next' as const,
      to: Next,
      assigned: names(Assign),
    }));
    return [...rules, { kind: 'next', to: state.Default, assigned: own }];
  }
  const next =
    'Next' in state && state.Next !== undefined ? [{ kind: 'next' as const, to: state.Next, assigned: own }] : [];
  return [...next, ...caught];
}

/** Names of states that no way leads to, and of those that ways lead to but do not exist. */
export function brokenWays(startAt: string, states: States): { unreachable: string[]; missing: string[] } {
  const reached = new Set<string>();
  const missing = new Set<string>();
  const waiting = [startAt];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const state = states[name];
    if (!state) missing.add(name);
    if (!state || reached.has(name)) continue;
    reached.add(name);
    waiting.push(...edgesOf(state).map(({ to }) => to));
  }
  return { unreachable: Object.keys(states).filter((name) => !reached.has(name)), missing: [...missing] };
}

export interface FoundExpression {
  /** The field, as `Arguments/Payload/samples`. */
  field: string;
  text: string;
}

export function expressionsIn(value: unknown, field = ''): FoundExpression[] {
  if (typeof value === 'string') {
    const text = /^\{%(.*)%\}$/s.exec(value)?.[1];
    return text === undefined ? [] : [{ field, text }];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => expressionsIn(inner, field === '' ? key : `${field}/${key}`));
}

/** Expressions of the state itself; those of the states inside a Map are theirs. */
export function expressionsOf(state: State): FoundExpression[] {
  const { ItemProcessor: _, ...own } = state as State & { ItemProcessor?: Json };
  return expressionsIn(own);
}

/**
 * Names of the variables that an expression reads from outside: not those that it binds itself, by := or as a
 * parameter, and no functions.
 */
export function variablesRead(text: string): string[] {
  const read = new Set<string>();
  const bound = new Set<string>();
  const walk = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return;
    const { type, value, procedure, lhs, ...rest } = node as Record<string, unknown> & { lhs?: { value?: string } };
    if (type === 'variable' && typeof value === 'string') read.add(value);
    const { arguments: parameters } = rest as { arguments?: { value: string }[] };
    if (type === 'lambda') for (const parameter of parameters ?? []) bound.add(parameter.value);
    if (type === 'bind') bound.add(String(lhs?.value));
    else walk(lhs);
    // The name of a function that is called is a variable too.
    if ((procedure as { type?: string } | undefined)?.type !== 'variable') walk(procedure);
    Object.values(rest).forEach(walk);
  };
  walk(jsonata(text).ast());
  return [...read].filter((name) => !bound.has(name) && !['', '$', 'states'].includes(name));
}

/** For every state the variables that have a value on each way to it. */
export function assignedBefore(startAt: string, states: States, atStart: string[] = []): Map<string, Set<string>> {
  const before = new Map([[startAt, new Set(atStart)]]);
  const waiting = [startAt];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const state = states[name];
    if (!state) continue;
    for (const { to, assigned } of edgesOf(state)) {
      const brought = new Set([...(before.get(name) ?? []), ...assigned]);
      const known = before.get(to);
      const both = known ? new Set([...known].filter((variable) => brought.has(variable))) : brought;
      if (known && both.size === known.size) continue;
      before.set(to, both);
      waiting.push(to);
    }
  }
  return before;
}

/** Every read of a variable that is not assigned on each way to the state, as `State: $variable in field`. */
export function unassignedReads(startAt: string, states: States, atStart: string[] = []): string[] {
  const before = assignedBefore(startAt, states, atStart);
  return Object.entries(states).flatMap(([name, state]) => {
    const known = before.get(name) ?? new Set();
    const own = expressionsOf(state).flatMap(({ field, text }) =>
      variablesRead(text)
        .filter((variable) => !known.has(variable))
        .map((variable) => `${name}: $${variable} in ${field}`),
    );
    if (state.Type !== 'Map') return own;
    const { StartAt, States: inner } = state.ItemProcessor;
    return [...own, ...unassignedReads(StartAt, inner, [...known])];
  });
}

/** Names of the states on the ways that start at a state and end before another. */
export function statesBetween(machine: StateMachine, from: string, until: string): string[] {
  const found = new Set<string>();
  const waiting = [from];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const state = machine.States[name];
    if (!state || name === until || found.has(name)) continue;
    found.add(name);
    waiting.push(...edgesOf(state).map(({ to }) => to));
  }
  return [...found];
}
