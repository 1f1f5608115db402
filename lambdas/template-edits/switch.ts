import { isMap, isScalar, parse, type YAMLMap } from 'yaml';
import { Refused } from '../../statemachine/errors.ts';
import type { TemplateEdit } from './apply.ts';
import type { TemplateNames } from './names.ts';
import { containerOf, edit, namedItem, refersTo, removeNamed, setDefault } from './parts.ts';
import { addItem, addPair, type EditedTemplate, listOf, mapAt, pairOf, removeItem, removePair } from './splice.ts';

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
      addSecret(template, relayContainer(template, names), names),
    ),
    edit(`Remove the variable ${names.dataVariable} from the container`, '5d.3', (template) =>
      removeNamed(template, relayContainer(template, names), 'Environment', names.dataVariable),
    ),
    edit('Remove the mount points from the container', '5d.4', (template) =>
      removeMountPoints(template, relayContainer(template, names), names),
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

function relayContainer(template: EditedTemplate, names: TemplateNames): YAMLMap {
  return containerOf(template, names.taskDefinition, names.container);
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
  const item = { Name: variable, ValueFrom: { Ref: names.databaseUrlSecret } };
  if (secrets !== undefined && secrets.items.length > 0) return addItem(template, secrets, item);
  if (pairOf(container, 'Secrets') !== undefined) {
    throw template.refuse('the container has an empty list Secrets', 'no Secrets, or some', 'Remove the empty list');
  }
  const below = pairOf(container, 'Environment') === undefined ? 'Name' : 'Environment';
  return addPair(template, container, 'Secrets', [item], { below });
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
