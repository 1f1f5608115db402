import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { validationError } from './errors.ts';

/** One parameter of a request: a value, or the one that the stack has. */
export interface GivenParameter {
  ParameterKey?: string;
  ParameterValue?: string;
  UsePreviousValue?: boolean;
}

type Declarations = Record<string, JsonObject>;

/**
 * Works out the values of a template's parameters. A parameter that is not given takes its default, also in an update:
 * the stack's own value is kept only where UsePreviousValue says so. Throws ValidationError with CloudFormation's words;
 * no message repeats a value.
 */
export function parameterValues(
  declarations: Declarations,
  given: GivenParameter[],
  previous: Record<string, string>,
): Record<string, string> {
  const unknown = given.map(({ ParameterKey = '' }) => ParameterKey).filter((key) => !(key in declarations));
  if (unknown.length > 0) throw validationError(`Parameters: [${unknown.join(', ')}] do not exist in the template`);
  const missing: string[] = [];
  const values: Record<string, string> = {};
  for (const [name, declaration] of Object.entries(declarations)) {
    const entry = given.find(({ ParameterKey }) => ParameterKey === name);
    const value = entry?.UsePreviousValue === true ? previousValue(name, previous) : entry?.ParameterValue;
    const fallback = declaration.Default === undefined ? undefined : String(declaration.Default);
    const chosen = value ?? fallback;
    if (chosen === undefined) missing.push(name);
    else values[name] = chosen;
  }
  if (missing.length > 0) throw validationError(`Parameters: [${missing.join(', ')}] must have values`);
  for (const [name, value] of Object.entries(values)) assertAllowed(name, declarations[name] ?? {}, value);
  return values;
}

function previousValue(name: string, previous: Record<string, string>): string {
  const value = previous[name];
  if (value !== undefined) return value;
  throw validationError(
    `Invalid input for parameter key ${name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template`,
  );
}

function assertAllowed(name: string, declaration: JsonObject, value: string): void {
  const type = String(declaration.Type ?? 'String');
  if (type.startsWith('AWS::SSM::')) {
    throw validationError(`Parameter '${name}': the local CloudFormation does not know the type ${type}`);
  }
  const refuse = (rule: string) => {
    const { ConstraintDescription } = declaration;
    const words =
      typeof ConstraintDescription === 'string' ? `failed to satisfy constraint: ${ConstraintDescription}` : rule;
    throw validationError(`Parameter '${name}' ${words}`);
  };
  const { AllowedValues, AllowedPattern, MinLength, MaxLength, MinValue, MaxValue } = declaration;
  if (type === 'Number' && (value.trim() === '' || Number.isNaN(Number(value)))) refuse('must be a number');
  if (Array.isArray(AllowedValues) && !AllowedValues.map(String).includes(value)) {
    refuse(`must be one of AllowedValues [${AllowedValues.join(', ')}]`);
  }
  if (typeof AllowedPattern === 'string' && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) {
    refuse(`must match pattern ${AllowedPattern}`);
  }
  if (MinLength !== undefined && value.length < Number(MinLength))
    refuse(`must contain at least ${MinLength} characters`);
  if (MaxLength !== undefined && value.length > Number(MaxLength))
    refuse(`must contain at most ${MaxLength} characters`);
  if (MinValue !== undefined && Number(value) < Number(MinValue)) refuse(`must be a number not less than ${MinValue}`);
  if (MaxValue !== undefined && Number(value) > Number(MaxValue))
    refuse(`must be a number not greater than ${MaxValue}`);
}

/** What Ref gives for a parameter: a number for Number and a list for the list types, so that properties have their types. */
export function parameterRef(declaration: JsonObject, value: string): Json {
  const type = String(declaration.Type ?? 'String');
  if (type === 'Number') return Number(value);
  if (type === 'CommaDelimitedList' || type.startsWith('List<')) return value.split(',').map((item) => item.trim());
  return value;
}

/** The parameters as the Describe actions show them: NoEcho is masked. */
export function shownParameters(declarations: Declarations, values: Record<string, string>): GivenParameter[] {
  return Object.entries(values).map(([name, value]) => {
    const noEcho = String(declarations[name]?.NoEcho ?? 'false') === 'true';
    return { ParameterKey: name, ParameterValue: noEcho ? '****' : value };
  });
}
