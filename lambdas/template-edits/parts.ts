import { isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Names } from '../../statemachine/settings.ts';
import type { TemplateEdit } from './apply.ts';
import { isObject } from './document.ts';
import { sourceOf } from './places.ts';
import {
  addPair,
  checkNames,
  type EditedTemplate,
  listOf,
  mapAt,
  openForEdit,
  pairOf,
  removeItem,
  removePair,
  replaceScalar,
} from './splice.ts';

/** One edit of some changes. Each change sees the text as the one before it left it, since a change moves the places of all that follows. */
export function edit(
  title: string,
  runbook: string,
  ...changes: ((template: EditedTemplate) => string)[]
): TemplateEdit {
  const apply = (text: string) =>
    changes.reduce((current, change) => change(openForEdit({ title, runbook }, current)), text);
  return { title, runbook, apply };
}

/** Gives a parameter a default of one line. */
export function setDefault(template: EditedTemplate, parameter: string, value: string): string {
  const map = mapAt(template, ['Parameters', parameter]);
  const current = map.get('Default', true);
  if (isScalar(current) && current.value === value) return template.text;
  if (isScalar(current) && typeof current.value === 'string' && !/[\r\n]/.test(sourceOf(template.text, current))) {
    return replaceScalar(template.text, current, value);
  }
  if (pairOf(map, 'Default') !== undefined) {
    throw template.refuse(`the default of ${parameter} is not one line of text`, 'an image reference', checkNames);
  }
  if (pairOf(map, 'Type') === undefined) throw template.refuse(`${parameter} has no Type`, 'Type: String', checkNames);
  return addPair(template, map, 'Default', value, { below: 'Type' });
}

/** The container of that name in a task definition. */
export function containerOf(template: EditedTemplate, taskDefinition: string, name: string): YAMLMap {
  const path = ['Resources', taskDefinition, 'Properties', 'ContainerDefinitions'];
  const list = template.document.getIn(path, true);
  if (!isSeq(list))
    throw template.refuse(`there is no list ${path.join('.')}`, 'the container definitions', checkNames);
  const found = list.items.filter((item) => isMap(item) && item.get('Name') === name);
  const [container] = found;
  if (!isMap(container) || found.length > 1) {
    const seen = list.items.map((item) => (isMap(item) ? String(item.get('Name')) : '(no mapping)')).join(', ');
    throw template.refuse(`${path.join('.')} holds the containers: ${seen}`, `one container named ${name}`, checkNames);
  }
  return container;
}

/** The item of a list of mappings that bears a name. */
export function namedItem(list: YAMLSeq | undefined, name: string, key = 'Name'): YAMLMap | undefined {
  return list?.items.find((item): item is YAMLMap => isMap(item) && item.get(key) === name);
}

/** Whether a node is a Ref to a name, in its short form or its long one. */
export function refersTo(node: unknown, name: string): boolean {
  if (isScalar(node)) return node.tag === '!Ref' && node.value === name;
  return isMap(node) && node.items.length === 1 && node.get('Ref') === name;
}

/** Removes the item of that name; the key too when it was the only item, since an empty key is no list. */
export function removeNamed(template: EditedTemplate, map: YAMLMap, key: string, name: string, by = 'Name'): string {
  const list = listOf(template, map, key);
  const item = namedItem(list, name, by);
  if (list === undefined || item === undefined) return template.text;
  return list.items.length === 1 ? removePair(template, map, key) : removeItem(template, list, item, key);
}

/** Whether the relay is told where its data lies, as the relay on SQLite alone is. */
export function servesFromSqlite(
  { model }: Pick<EditedTemplate, 'model'>,
  names: Pick<Names, 'taskDefinition' | 'container' | 'dataVariable'>,
): boolean {
  const properties = model.Resources[names.taskDefinition]?.Properties;
  const list = isObject(properties) ? properties.ContainerDefinitions : undefined;
  const container = (Array.isArray(list) ? list : []).filter(isObject).find(({ Name }) => Name === names.container);
  const variables = Array.isArray(container?.Environment) ? container.Environment : [];
  return variables.some((variable) => isObject(variable) && variable.Name === names.dataVariable);
}
