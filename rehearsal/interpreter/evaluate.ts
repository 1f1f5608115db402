import jsonata from 'jsonata';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { registerFunctions, type Sources } from './jsonata-functions.ts';

/** What the expressions of a state see: `$states`, the variables, the clock. */
export interface Scope extends Sources {
  states: JsonObject;
  variables: JsonObject;
}

/** An expression failed. `location` is the field, e.g. `Arguments/Payload/items[0]`. */
export class EvaluationFailure extends Error {
  override name = 'EvaluationFailure';
  location: string;

  constructor(expression: string, location: string, what: string) {
    super(`The JSONata expression '${expression}' specified for the field '${location}' ${what}`);
    this.location = location;
  }
}

/**
 * Evaluates a field of a state: objects and arrays are walked through, strings `{% ... %}` are evaluated, all else is itself.
 *
 * Arrays come back as plain arrays without JSONata's sequence marks; a sequence of one is its item, as JSONata has it.
 *
 * @throws EvaluationFailure when an expression throws, gives nothing, or gives what JSON cannot hold
 */
export async function evaluateField(template: Json, location: string, scope: Scope): Promise<Json> {
  if (typeof template === 'string') return evaluateString(template, location, scope);
  if (template === null || typeof template !== 'object') return template;
  if (Array.isArray(template)) {
    const items: Json[] = [];
    for (const [index, item] of template.entries()) {
      items.push(isItself(item) ? item : await evaluateField(item, `${location}[${index}]`, scope));
    }
    return items;
  }
  const members: JsonObject = {};
  for (const [name, member] of Object.entries(template)) {
    members[name] = isItself(member) ? member : await evaluateField(member, `${location}/${name}`, scope);
  }
  return members;
}

/** Most of what stands in a field is neither an expression nor holds one, and needs no turn of its own. */
function isItself(template: Json): boolean {
  if (typeof template === 'string') return !template.startsWith('{%');
  return template === null || typeof template !== 'object';
}

const EXPRESSION = /^\{%(.*)%\}$/s;

async function evaluateString(text: string, location: string, scope: Scope): Promise<Json> {
  const expression = EXPRESSION.exec(text)?.[1]?.trim();
  if (expression === undefined) return text;
  let result: unknown;
  try {
    const compiled = compiledExpression(expression);
    Object.assign(compiled.sources, { now: scope.now, random: scope.random });
    result = await compiled.expression.evaluate(undefined, { ...scope.variables, states: scope.states });
    idle.get(expression)?.push(compiled);
  } catch (thrown) {
    throw new EvaluationFailure(expression, location, `threw an error during evaluation${thrownText(thrown)}`);
  }
  if (result === undefined) throw new EvaluationFailure(expression, location, 'returned nothing (undefined).');
  return toPlainJson(result, (what) => new EvaluationFailure(expression, location, what));
}

interface Compiled {
  expression: jsonata.Expression;
  /** What its functions draw from; set before each evaluation. */
  sources: Sources;
}

/** Compiled expressions that nobody is evaluating, by their text. */
const idle = new Map<string, Compiled[]>();

/**
 * Compiling takes longer than evaluating, and a machine that polls evaluates the same again and again. No two evaluations have
 * one at the same time: it keeps what its functions draw from, and iterations of a Map run side by side.
 */
function compiledExpression(text: string): Compiled {
  const ready = idle.get(text)?.pop();
  if (ready) return ready;
  const expression = jsonata(text);
  const sources: Sources = { now: new Date(0), random: Math.random };
  registerFunctions(expression, sources);
  if (!idle.has(text)) idle.set(text, []);
  return { expression, sources };
}

/** JSONata throws objects with a code that are no Errors; AWS sets their text off by a full stop, any other by a colon. */
function thrownText(thrown: unknown): string {
  const { code, message } = thrown as { code?: string; message?: string };
  return code ? `. ${code}: ${message}` : `: ${message ?? thrown}`;
}

function toPlainJson(value: unknown, failure: (what: string) => EvaluationFailure): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw failure(`returned a number that JSON cannot hold: ${value}.`);
  }
  if (Array.isArray(value)) return Array.from(value, (item) => toPlainJson(item, failure));
  if (typeof value !== 'object' || isJsonataFunction(value)) {
    throw failure('returned an unsupported result type: function.');
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, toPlainJson(member, failure)]));
}

function isJsonataFunction(value: object): boolean {
  return '_jsonata_lambda' in value || '_jsonata_function' in value;
}

/** Evaluates a field that has to be of one type. */
export async function evaluateTyped<T extends Json>(
  template: Json,
  location: string,
  scope: Scope,
  expected: { name: string; is: (value: Json) => value is T },
): Promise<T> {
  const value = await evaluateField(template, location, scope);
  if (expected.is(value)) return value;
  throw new EvaluationFailure(
    typeof template === 'string' ? template.replace(EXPRESSION, '$1').trim() : JSON.stringify(template),
    location,
    `returned an unexpected result type. Expected '${expected.name}', but was '${typeName(value)}' for value: ${JSON.stringify(value)}`,
  );
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

export const BOOLEAN = { name: 'boolean', is: (value: Json): value is boolean => typeof value === 'boolean' };
export const STRING = { name: 'string', is: (value: Json): value is string => typeof value === 'string' };
export const ARRAY = { name: 'array', is: (value: Json): value is Json[] => Array.isArray(value) };
export const SECONDS = {
  name: 'number of whole seconds',
  is: (value: Json): value is number => Number.isInteger(value) && (value as number) >= 0,
};
