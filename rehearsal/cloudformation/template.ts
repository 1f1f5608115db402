import { isObject, parseTemplate } from '../../lambdas/template-edits/document.ts';
import { danglingReferences, dependsOn, references } from '../../lambdas/template-edits/references.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { messageOf, validationError } from './errors.ts';

export interface TemplateResource {
  type: string;
  properties: JsonObject;
  /** Logical ids that must stand before this one: DependsOn and every reference. */
  needs: string[];
  /** The whole entry, for its other attributes such as DeletionPolicy. */
  body: JsonObject;
}

export interface StackTemplate {
  text: string;
  description: string;
  parameters: Record<string, JsonObject>;
  resources: Record<string, TemplateResource>;
  outputs: Record<string, JsonObject>;
}

const knownSections = ['AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Resources', 'Outputs'];
const knownResourceKeys = [
  'Type',
  'Properties',
  'DependsOn',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'Metadata',
  'CreationPolicy',
  'UpdatePolicy',
];

/** Reads a template for deployment. Throws ValidationError, as CloudFormation does, for what it cannot deploy. */
export function readTemplate(text: string): StackTemplate {
  const { model } = parsed(text);
  for (const section of Object.keys(model.sections)) {
    if (!knownSections.includes(section)) {
      throw validationError(`Template format error: the local CloudFormation does not know the section ${section}`);
    }
  }
  const dangling = danglingReferences(model);
  if (dangling.length > 0) {
    throw validationError(
      `Template format error: Unresolved resource dependencies [${dangling.join(', ')}] in the template`,
    );
  }
  return {
    text,
    description: String(model.sections.Description ?? ''),
    parameters: model.Parameters,
    resources: Object.fromEntries(
      Object.entries(model.Resources).map(([logicalId, body]) => [
        logicalId,
        readResource(logicalId, body, model.Resources),
      ]),
    ),
    outputs: model.Outputs,
  };
}

function parsed(text: string) {
  try {
    return parseTemplate(text);
  } catch (error) {
    throw validationError(`Template format error: ${messageOf(error)}`);
  }
}

function readResource(logicalId: string, body: JsonObject, all: Record<string, Json>): TemplateResource {
  for (const key of Object.keys(body)) {
    if (knownResourceKeys.includes(key)) continue;
    throw validationError(`Template format error: the local CloudFormation does not know ${key} of ${logicalId}`);
  }
  if (typeof body.Type !== 'string') {
    throw validationError(
      `Template format error: [/Resources/${logicalId}] Every Resources object must contain a Type`,
    );
  }
  const properties = isObject(body.Properties) ? body.Properties : {};
  const referred = references(properties).map(({ name }) => name);
  const needs = [...new Set([...dependsOn(body), ...referred])].filter((name) => name in all);
  return { type: body.Type, properties, needs, body };
}

/** Logical ids in an order in which each comes after what it needs. Throws ValidationError for a circle. */
export function creationOrder({ resources }: StackTemplate): string[] {
  const order: string[] = [];
  const waiting = new Map(Object.entries(resources));
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, { needs }]) => needs.every((name) => !waiting.has(name)));
    if (ready.length === 0) {
      throw validationError(`Circular dependency between resources: [${[...waiting.keys()].join(', ')}]`);
    }
    for (const [logicalId] of ready) {
      waiting.delete(logicalId);
      order.push(logicalId);
    }
  }
  return order;
}
