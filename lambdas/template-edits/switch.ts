import { isMap, isScalar, isSeq, parse, type YAMLMap, type YAMLSeq } from 'yaml';
import { Refused } from '../../statemachine/errors.ts';
import type { TemplateEdit } from './apply.ts';
import type { TemplateNames } from './names.ts';
import {
  checkNames,
  columnOf,
  type EditedTemplate,
  inBlockStyle,
  insertBelow,
  mapAt,
  openForEdit,
  pairOf,
  removeItem,
  removePair,
  replaceScalar,
} from './splice.ts';

/**
 * The six edits of runbook step 5d, in its order: they turn the template of the relay on SQLite into that of the
 * relay on PostgreSQL. The URL goes in as a secret (`ValueFrom`), where the runbook has it in plain text.
 * Throws Refused when `newImage` is no image reference; the edits throw Refused where they cannot be applied.
 */
export function switchEdits(names: TemplateNames, newImage: string): TemplateEdit[] {
  if (!/^[a-z0-9][A-Za-z0-9._/:@-]*[A-Za-z0-9]$/.test(newImage) || parse(newImage) !== newImage) {
    throw new Refused(
      `The new image ${JSON.stringify(newImage)} is no image reference. Expected registry/name:tag or registry/name@sha256:digest. Correct the setting and start again.`,
    );
  }
  const task = ['Resources', names.taskDefinition, 'Properties'];
  return [
    edit(`Set the default of ${names.imageParameter} to the new image`, '5d.1', (template) =>
      setDefault(template, names.imageParameter, newImage),
    ),
    edit(`Add the secret ${names.databaseUrlVariable} to the container`, '5d.2', (template) =>
      addSecret(template, containerOf(template, names), names),
    ),
    edit(`Remove the variable ${names.dataVariable} from the container`, '5d.3', (template) =>
      removeNamed(template, containerOf(template, names), 'Environment', names.dataVariable),
    ),
    edit('Remove the mount points from the container', '5d.4', (template) =>
      removeMountPoints(template, containerOf(template, names), names),
    ),
    edit('Remove the volumes from the task definition', '5d.5', (template) =>
      removeVolumes(template, mapAt(template, task), names),
    ),
    edit(
      'Remove the mount targets from what the service depends on',
      '5d.6',
      ...names.mountTargets.map((target) => (template: EditedTemplate) => removeDependency(template, names, target)),
    ),
  ];
}

/** Each change sees the text as the one before it left it, since a change moves the places of all that follows. */
function edit(title: string, runbook: string, ...changes: ((template: EditedTemplate) => string)[]): TemplateEdit {
  const apply = (text: string) =>
    changes.reduce((current, change) => change(openForEdit({ title, runbook }, current)), text);
  return { title, runbook, apply };
}

function setDefault(template: EditedTemplate, parameter: string, value: string): string {
  const map = mapAt(template, ['Parameters', parameter]);
  const current = map.get('Default', true);
  if (isScalar(current) && current.value === value) return template.text;
  if (isScalar(current) && typeof current.value === 'string' && !/[\r\n]/.test(sourceOf(template, current))) {
    return replaceScalar(template.text, current, value);
  }
  if (pairOf(map, 'Default') !== undefined) {
    throw template.refuse(`the default of ${parameter} is not one line of text`, 'an image reference', checkNames);
  }
  const type = pairOf(map, 'Type');
  if (type === undefined) throw template.refuse(`${parameter} has no Type`, 'Type: String', checkNames);
  return insertBelow(template.text, type, [`${' '.repeat(columnOf(template.text, type.key))}Default: ${value}`]);
}

function sourceOf(template: EditedTemplate, node: { range?: [number, number, number] | null }): string {
  return template.text.slice(node.range?.[0], node.range?.[1]);
}

function containerOf(template: EditedTemplate, names: TemplateNames): YAMLMap {
  const path = ['Resources', names.taskDefinition, 'Properties', 'ContainerDefinitions'];
  const list = template.document.getIn(path, true);
  if (!isSeq(list))
    throw template.refuse(`there is no list ${path.join('.')}`, 'the container definitions', checkNames);
  const found = list.items.filter((item) => isMap(item) && item.get('Name') === names.container);
  const [container] = found;
  if (!isMap(container) || found.length > 1) {
    const seen = list.items.map((item) => (isMap(item) ? String(item.get('Name')) : '(no mapping)')).join(', ');
    throw template.refuse(
      `${path.join('.')} holds the containers: ${seen}`,
      `one container named ${names.container}`,
      checkNames,
    );
  }
  return inBlockStyle(template, container, `the container ${names.container}`);
}

/** The list under a key of the container; undefined where the key is absent or empty. */
function listOf(template: EditedTemplate, map: YAMLMap, key: string): YAMLSeq | undefined {
  const value = map.get(key, true);
  if (isSeq(value)) return value;
  if (value === undefined || (isScalar(value) && value.value === null)) return undefined;
  throw template.refuse(
    `${key} is not a list`,
    `${key} as a list`,
    `Write ${key} as a list, deploy the template, and start again`,
  );
}

function namedItem(list: YAMLSeq | undefined, name: string): YAMLMap | undefined {
  return list?.items.find((item): item is YAMLMap => isMap(item) && item.get('Name') === name);
}

function addSecret(template: EditedTemplate, container: YAMLMap, names: TemplateNames): string {
  const variable = names.databaseUrlVariable;
  if (template.model.Resources[names.databaseUrlSecret] === undefined) {
    throw template.refuse(
      `there is no resource ${names.databaseUrlSecret}`,
      'the secret with the database URL that `prepare` adds',
      'Run prepare, then start again',
    );
  }
  if (namedItem(listOf(template, container, 'Environment'), variable) !== undefined) {
    throw template.refuse(
      `the container has ${variable} as a plain variable`,
      `${variable} as a secret only`,
      'Remove the plain variable from the stack, change the password, and start again',
    );
  }
  const secrets = listOf(template, container, 'Secrets');
  const existing = namedItem(secrets, variable);
  if (existing !== undefined) {
    if (refersTo(existing.get('ValueFrom', true), names.databaseUrlSecret)) return template.text;
    throw template.refuse(
      `the secret ${variable} comes from elsewhere`,
      `ValueFrom: !Ref ${names.databaseUrlSecret}`,
      'Remove it from the container, deploy the template, and start again',
    );
  }
  const item = [`- Name: ${variable}`, `  ValueFrom: !Ref ${names.databaseUrlSecret}`];
  if (secrets !== undefined && secrets.items.length > 0) {
    inBlockStyle(template, secrets, 'Secrets of the container');
    const indent = ' '.repeat(columnOf(template.text, secrets));
    return insertBelow(
      template.text,
      secrets,
      item.map((line) => indent + line),
    );
  }
  return insertBelow(template.text, ...secretsBlock(template, container, item));
}

/** The new block goes below Environment, indented as that is. */
function secretsBlock(template: EditedTemplate, container: YAMLMap, item: string[]): [unknown, string[]] {
  if (pairOf(container, 'Secrets') !== undefined) {
    throw template.refuse('the container has an empty list Secrets', 'no Secrets, or some', 'Remove the empty list');
  }
  const anchor = pairOf(container, 'Environment') ?? pairOf(container, 'Name');
  const column = columnOf(template.text, anchor?.key);
  const inner = isSeq(anchor?.value) && !anchor.value.flow ? columnOf(template.text, anchor.value) : column + 2;
  return [anchor, [`${' '.repeat(column)}Secrets:`, ...item.map((line) => ' '.repeat(inner) + line)]];
}

function refersTo(node: unknown, name: string): boolean {
  if (isScalar(node)) return node.tag === '!Ref' && node.value === name;
  return isMap(node) && node.items.length === 1 && node.get('Ref') === name;
}

/** Removes the item of that `Name`; the key too when it was the only item, since an empty key is no list. */
function removeNamed(template: EditedTemplate, map: YAMLMap, key: string, name: string): string {
  const list = listOf(template, map, key);
  const item = namedItem(list, name);
  if (list === undefined || item === undefined) return template.text;
  return list.items.length === 1 ? removePair(template, map, key) : removeItem(template, list, item, key);
}

function removeMountPoints(template: EditedTemplate, container: YAMLMap, names: TemplateNames): string {
  const mounted = listOf(template, container, 'MountPoints')?.items ?? [];
  const others = mounted.filter((item) => !(isMap(item) && item.get('SourceVolume') === names.volume));
  if (others.length > 0) {
    throw template.refuse(
      `the container mounts ${others.length} more beside the volume ${names.volume}`,
      'no other mount points',
      'Remove the others from the template yourself if they may go, deploy it, and start again',
    );
  }
  return removePair(template, container, 'MountPoints');
}

function removeVolumes(template: EditedTemplate, properties: YAMLMap, names: TemplateNames): string {
  const volumes = listOf(template, properties, 'Volumes')?.items ?? [];
  if (volumes.some((item) => !(isMap(item) && item.get('Name') === names.volume))) {
    throw template.refuse(
      `the task definition has volumes beside ${names.volume}`,
      'no other volumes',
      'Remove the others from the template yourself if they may go, deploy it, and start again',
    );
  }
  const containers = listOf(template, properties, 'ContainerDefinitions')?.items.filter(isMap) ?? [];
  const mounting = containers.filter(
    (container) => (listOf(template, container, 'MountPoints')?.items.length ?? 0) > 0,
  );
  if (volumes.length > 0 && mounting.length > 0) {
    const seen = mounting.map((container) => String(container.get('Name'))).join(', ');
    throw template.refuse(
      `still mounted by the container ${seen}`,
      'no container that mounts the volume',
      'Remove its mount points from the template yourself if they may go, deploy it, and start again',
    );
  }
  return removePair(template, properties, 'Volumes');
}

function removeDependency(template: EditedTemplate, names: TemplateNames, target: string): string {
  const service = mapAt(template, ['Resources', names.service]);
  const value = service.get('DependsOn', true);
  if (isScalar(value)) return value.value === target ? removePair(template, service, 'DependsOn') : template.text;
  const list = listOf(template, service, 'DependsOn');
  const item = list?.items.find((entry) => isScalar(entry) && entry.value === target);
  if (list === undefined || item === undefined) return template.text;
  return list.items.length === 1
    ? removePair(template, service, 'DependsOn')
    : removeItem(template, list, item, `DependsOn of ${names.service}`);
}
