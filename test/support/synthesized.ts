import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { expect } from 'vitest';
import { machinePlans } from '../../infra/machines.ts';
import { synthesize } from '../../infra/synthesize.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import { FUNCTIONS, type FunctionName, STANDING_FUNCTIONS } from '../../statemachine/functions.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { onceInRun } from './once-in-run.ts';

export const settings = parseSettings({ notificationEmail: 'operator@example.org' });
/** Those that the machines call. */
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];
export const ALL_FUNCTIONS = { ...FUNCTIONS, ...STANDING_FUNCTIONS };
export const ALL_FUNCTION_NAMES = Object.keys(ALL_FUNCTIONS) as (keyof typeof ALL_FUNCTIONS)[];
export const MACHINE_NAMES = machinePlans(settings).map(({ name }) => name);

interface Resource {
  Type: string;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the resource type has.
  Properties: any;
}

/** Passes cdk-nag, else nothing is synthesized. */
export const template = Template.fromJSON(await onceInRun('synthesized', synthesizedTemplate));

function synthesizedTemplate(): JsonObject {
  const outdir = mkdtempSync(join(tmpdir(), 'cutover-synth-'));
  try {
    return Template.fromStack(synthesize(settings, outdir)).toJSON();
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** By logical id; what CloudFormation puts in stands in the texts as `${...}`. */
export const resources = plain(template.toJSON().Resources) as Record<string, Resource>;

export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const intrinsic = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
  if (intrinsic.Ref) return `\${${intrinsic.Ref}}`;
  if (intrinsic['Fn::GetAtt']) return `\${${intrinsic['Fn::GetAtt'].join('.')}}`;
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(plain).join(intrinsic['Fn::Join'][0]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

export const arn = (service: string, named: string) =>
  `arn:\${AWS::Partition}:${service}:${settings.region}:\${AWS::AccountId}:${named}`;

export const all = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);

/** The one resource of its type that has these properties; its `ref` is the text that refers to it. */
export function the(type: string, properties: Record<string, unknown> = {}) {
  const found = all(type).filter(([, { Properties }]) =>
    Object.entries(properties).every(([name, value]) => Properties[name] === value),
  );
  expect(found, `${type} ${JSON.stringify(properties)}`).toHaveLength(1);
  const [[id, { Properties }]] = found as [[string, Resource]];
  return { id, ref: `\${${id}}`, ...Properties };
}

export const functionOf = (name: keyof typeof ALL_FUNCTIONS) =>
  the('AWS::Lambda::Function', { Description: ALL_FUNCTIONS[name].purpose });
export const versionOf = (name: FunctionName) => the('AWS::Lambda::Version', { FunctionName: functionOf(name).ref });
export const machineOf = (name: string) =>
  the('AWS::StepFunctions::StateMachine', { StateMachineName: `${settings.stackName}-${name}` });
export const restoreRule = () => {
  const [rule] = all('AWS::Events::Rule').filter(([, { Properties }]) => Properties.Targets[0].RoleArn);
  return rule?.[1].Properties;
};

/** Of the rule that starts `restore`, among the owners of roles. */
export const RULE = 'the restore rule';

/** Of the task that archives the file system: no function, and no machine. */
export const ARCHIVER = 'the archiving task';
export const archiveRole = () => functionOf('preflight-finalize').Environment.Variables.ARCHIVE_ROLE as string;

/** Who acts in which role, by the text that refers to the role's ARN. */
export const owners = () =>
  new Map<string, string>([
    ...ALL_FUNCTION_NAMES.map((name) => [functionOf(name).Role, name] as const),
    ...MACHINE_NAMES.map((name) => [machineOf(name).RoleArn, name] as const),
    [restoreRule().Targets[0].RoleArn, RULE],
    [archiveRole(), ARCHIVER],
  ]);

export interface Grant {
  owner: string;
  effect: 'Allow' | 'Deny';
  action: string;
  resources: string[];
  condition: Record<string, Record<string, string>> | undefined;
}

/** Every action that somebody may or may not do, statement by statement. */
export function statements(): Grant[] {
  const ownerOf = owners();
  return all('AWS::IAM::Policy').flatMap(([, { Properties }]) =>
    Properties.Roles.flatMap((role: string) =>
      Properties.PolicyDocument.Statement.flatMap(
        ({ Action, Resource, Condition, Effect, ...others }: Record<string, string>) => {
          expect(others).toEqual({});
          const owner = ownerOf.get(role.replace('}', '.Arn}')) ?? role;
          return [Action].flat().map((action) => ({
            owner,
            effect: Effect,
            action,
            resources: [Resource].flat(),
            condition: Condition,
          }));
        },
      ),
    ),
  );
}
export const grants = () => statements().filter(({ effect }) => effect === 'Allow');
export const grantsOf = (owner: string) => grants().filter((grant) => grant.owner === owner);

/** Resources by action, of one owner; all of them where several statements name the action. */
export const mayOf = (owner: string) => gathered(grantsOf(owner).map(({ action, resources: on }) => [action, on]));
/** Resources by owner, of one action. */
export const mayDo = (wanted: string) =>
  gathered(grants().flatMap(({ owner, action, resources: on }) => (action === wanted ? [[owner, on]] : [])));

export function gathered(pairs: [string, string[]][]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [key, values] of pairs) found[key] = [...(found[key] ?? []), ...values];
  return found;
}
