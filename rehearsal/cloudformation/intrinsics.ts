import { isObject } from '../../lambdas/template-edits/document.ts';
import { subPlace } from '../../lambdas/template-edits/references.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { validationError } from './errors.ts';

/** What names mean while a template is worked out. Both throw ValidationError for a name that has no value. */
export interface Scope {
  region: string;
  ref(name: string): Json | undefined;
  attribute(logicalId: string, name: string): Json;
}

type Intrinsic = (argument: Json, scope: Scope) => Json;

/** AWS: "Intrinsic function reference". What is not in this list is refused, never passed on half understood. */
const intrinsics: Record<string, Intrinsic> = {
  'Fn::GetAtt': (argument, scope) => {
    const [logicalId, name] = listOf('Fn::GetAtt', argument);
    return scope.attribute(String(logicalId), String(name));
  },
  'Fn::Sub': (argument, scope) => {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    return substitute(String(text), isObject(variables) ? variables : {}, scope);
  },
  'Fn::Select': (argument, scope) => {
    const [index, list] = listOf('Fn::Select', argument);
    const values = listOf('Fn::Select', present(evaluate(list ?? null, scope)));
    const chosen = values[Number(evaluate(index ?? null, scope))];
    if (chosen === undefined) {
      throw validationError('Template error: Fn::Select cannot select nonexistent value at index');
    }
    return chosen;
  },
  'Fn::GetAZs': (argument, scope) => {
    const region = present(evaluate(argument, scope));
    return ['a', 'b', 'c'].map((zone) => `${region === '' ? scope.region : String(region)}${zone}`);
  },
  'Fn::Join': (argument, scope) => {
    const [delimiter, list] = listOf('Fn::Join', argument);
    const values = listOf('Fn::Join', present(evaluate(list ?? null, scope)));
    return values.map(String).join(String(delimiter));
  },
};

/** Works out a template value; undefined stands for `!Ref AWS::NoValue`, and what holds it goes without. */
export function evaluate(value: Json, scope: Scope): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope)).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  const [key = ''] = keys;
  if (keys.length === 1 && key === 'Ref') return scope.ref(String(value.Ref));
  const intrinsic = intrinsics[key];
  if (keys.length === 1 && intrinsic !== undefined) return intrinsic(value[key] ?? null, scope);
  if (keys.length === 1 && (key.startsWith('Fn::') || key === 'Condition')) {
    // `Condition` is also a key of IAM statements, but never the only one.
    throw validationError(
      `Template error: the local CloudFormation does not know ${key}. It knows Ref, ${Object.keys(intrinsics).join(', ')}`,
    );
  }
  return evaluateObject(value, scope);
}

/** Works out the properties of a resource. */
export function evaluateObject(value: JsonObject, scope: Scope): JsonObject {
  const entries = Object.entries(value).map(([key, inner]) => [key, evaluate(inner, scope)] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined));
}

function substitute(text: string, variables: JsonObject, scope: Scope): string {
  return text.replace(subPlace, (_, escaped: string, inside: string) => {
    if (escaped === '!') return `\${${inside}}`;
    const place = inside.trim();
    const own = variables[place];
    if (own !== undefined) return String(present(evaluate(own, scope)));
    const dot = place.indexOf('.');
    const value = dot === -1 ? scope.ref(place) : scope.attribute(place.slice(0, dot), place.slice(dot + 1));
    return String(present(value));
  });
}

function present(value: Json | undefined): Json {
  if (value === undefined) throw validationError('Template error: AWS::NoValue stands where a value is needed');
  return value;
}

function listOf(name: string, value: Json): Json[] {
  if (Array.isArray(value)) return value;
  throw validationError(`Template error: every ${name} object requires a list argument`);
}
