import { describe, expect, it } from 'vitest';
import type { State, States } from '../../statemachine/asl.ts';
import { brokenWays, unassignedReads, variablesRead } from './graph.ts';

const pass = (Next: string, Assign = {}): State => ({ Type: 'Pass', Comment: 'c', Assign, Next });
const task = (Next: string, caught: string, Assign = {}, catchAssign = {}): State => ({
  Type: 'Task',
  Comment: 'c',
  Resource: 'r',
  Arguments: {},
  TimeoutSeconds: 1,
  Assign,
  Catch: [{ ErrorEquals: ['States.ALL'], Assign: catchAssign, Next: caught }],
  Next,
});
const says = (text: string): State => ({ Type: 'Fail', Comment: 'c', Error: 'E', Cause: `{% ${text} %}` });

describe('the look at the ways through a machine', () => {
  it('finds states that nothing leads to and ways that lead nowhere', () => {
    const states: States = { A: task('B', 'Nowhere'), B: says('"b"'), C: pass('B') };
    expect(brokenWays('A', states)).toEqual({ unreachable: ['C'], missing: ['Nowhere'] });
  });

  it('does not take what a task assigns for assigned when it failed', () => {
    const states: States = { A: task('B', 'C', { x: 1 }, { y: 2 }), B: says('$x'), C: says('$x & $y') };
    expect(unassignedReads('A', states)).toEqual(['C: $x in Cause']);
  });

  it('wants a variable on every way, also on one through a loop', () => {
    const states: States = {
      A: pass('B', { x: 1 }),
      B: task('C', 'D'),
      C: task('B', 'D', { z: 1 }),
      D: says('$x & $z'),
      E: pass('D'),
    };
    expect(unassignedReads('A', states)).toEqual(['D: $z in Cause']);
    expect(unassignedReads('E', { ...states, A: says('"a"') })).toContain('D: $x in Cause');
  });

  it('tells variables from functions and from what an expression binds itself', () => {
    expect(variablesRead('($a := $b.c; $exists($a) ? $join($d[x = $e], "") : $states.input.f)').sort()).toEqual([
      'b',
      'd',
      'e',
    ]);
  });
});
