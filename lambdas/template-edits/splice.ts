import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Json } from '../../statemachine/asl.ts';
import { Refused } from '../../statemachine/errors.ts';
import { parseTemplate, type TemplateDocument } from './document.ts';
import { addToFlow, removeFromFlow } from './flow.ts';
import { contentEnd, cut, isInFlow, lineStart, sourceOf, startOf, withSurroundings } from './places.ts';
import { type TemplateStyle, yamlLines } from './print.ts';
import { styleOf } from './style.ts';

/** What an edit works on: the template's text and nodes, how it is written, and a way to refuse that names the edit. */
export interface EditedTemplate extends TemplateDocument {
  style: TemplateStyle;
  refuse(seen: string, expected: string, todo: string): Refused;
}

export interface EditName {
  title: string;
  /** The runbook step that the edit replaces. */
  runbook: string;
}

/** Parses the text for one edit. Throws Refused for what is no template. */
export function openForEdit(edit: EditName, text: string): EditedTemplate {
  const refuse = (seen: string, expected: string, todo: string) =>
    new Refused(`"${edit.title}" (runbook ${edit.runbook}) cannot be applied: ${seen}. Expected ${expected}. ${todo}.`);
  const template = parseTemplate(text);
  return { ...template, style: styleOf(template), refuse };
}

/** The mapping at a path of keys; Refused, naming the path, where there is none. */
export function mapAt(template: EditedTemplate, path: string[]): YAMLMap {
  const node = template.document.getIn(path, true);
  const place = path.join('.');
  if (!isMap(node)) throw template.refuse(`there is no mapping ${place}`, `${place} with its keys`, checkNames);
  return node;
}

export const checkNames = 'Check the names in the settings against the template of the stack';

export function pairOf(map: YAMLMap, key: string): Pair<unknown, unknown> | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** The list under a key; undefined where the key is absent or empty. */
export function listOf(template: EditedTemplate, map: YAMLMap, key: string): YAMLSeq | undefined {
  const value = map.get(key, true);
  if (isSeq(value)) return value;
  if (value === undefined || (isScalar(value) && value.value === null)) return undefined;
  throw template.refuse(
    `${key} is not a list`,
    `${key} as a list`,
    `Write ${key} as a list, deploy the template, and start again`,
  );
}

/**
 * Removes a key and its whole value; in block style their lines, and comments above and below stay. One that stands apart takes
 * the comment right above it along, and one of the blank lines around it.
 */
export function removePair(template: EditedTemplate, map: YAMLMap, key: string, { apart = false } = {}): string {
  const pair = pairOf(map, key);
  if (pair === undefined) return template.text;
  const { text } = template;
  if (isInFlow(map)) return removeFromFlow(text, map, pair);
  const start = startOf(pair.key);
  if (text.slice(lineStart(text, start), start).trim() !== '') {
    throw template.refuse(
      `${key} shares its line with what stands before it`,
      `${key} on a line of its own`,
      `Move ${key} to a line of its own (in a list item: below another key), deploy the template unchanged, and start again`,
    );
  }
  const from = lineStart(text, start);
  const to = contentEnd(text, pair);
  return apart ? cut(text, ...withSurroundings(text, from, to)) : cut(text, from, to);
}

/** Removes one item of a list; in block style its lines, and comments above and below stay. */
export function removeItem(template: EditedTemplate, list: YAMLSeq, item: unknown, place: string): string {
  const { text } = template;
  if (isInFlow(list)) return removeFromFlow(text, list, item);
  const start = startOf(item);
  const from = lineStart(text, start);
  if (!/^\s*-\s+(!\S+\s+)?["']?$/.test(text.slice(from, start))) {
    throw template.refuse(
      `an item of ${place} shares its line with what stands before it`,
      'one item on a line',
      `Write ${place} with each item on its own lines, deploy the template unchanged, and start again`,
    );
  }
  return cut(text, from, contentEnd(text, item));
}

interface Placing {
  /** Key of the entry below which the new one goes; the last one where it is absent or not there. */
  below?: string | undefined;
  /** A sentence above it, where the style has comments. */
  comment?: string | undefined;
  /** A blank line before it, as between resources. */
  apart?: boolean;
}

/** Adds a key to a mapping, written as the template is. */
export function addPair(
  template: EditedTemplate,
  map: YAMLMap,
  key: string,
  value: Json,
  { below, comment, apart = false }: Placing = {},
): string {
  const { text, style } = template;
  const anchor = (below === undefined ? undefined : pairOf(map, below)) ?? map.items.at(-1);
  if (anchor === undefined || isInFlow(map)) return addToFlow(text, map, anchor, style, value, key);
  const margin = ' '.repeat(columnOf(text, anchor.key));
  const own = yamlLines(key, value, style).map((line) => (line === '' ? '' : margin + line));
  const said = comment === undefined ? [] : [`${margin}# ${comment}`];
  return insertBelow(text, anchor, [...(apart ? [''] : []), ...said, ...own]);
}

/** Adds an item at the end of a list that has some, written as the template is. */
export function addItem(template: EditedTemplate, list: YAMLSeq, value: Json, comment?: string): string {
  const { text, style } = template;
  const last = list.items.at(-1);
  if (last === undefined || isInFlow(list)) return addToFlow(text, list, last, style, value);
  const margin = ' '.repeat(columnOf(text, list));
  const said = comment === undefined ? [] : [`${margin}# ${comment}`];
  return insertBelow(text, list, [...said, ...yamlLines(undefined, value, style).map((line) => margin + line)]);
}

/** Inserts whole lines below everything that belongs to `node`, with the line ends that the text uses. */
function insertBelow(text: string, node: unknown, lines: string[]): string {
  const at = contentEnd(text, node);
  const lineBreak = text.includes('\r\n') ? '\r\n' : '\n';
  const block = lines.map((line) => line + lineBreak).join('');
  const atOpenEnd = at === text.length && !text.endsWith('\n');
  return text.slice(0, at) + (atOpenEnd ? lineBreak + block.slice(0, -lineBreak.length) : block) + text.slice(at);
}

/** Puts another value in the place of a one-line scalar; quotes, tag and a comment behind it stay as they are. */
export function replaceScalar(text: string, scalar: Node, value: string): string {
  const [start, end] = scalar.range ?? [0, 0];
  const quote = /^["']/.exec(sourceOf(text, scalar))?.[0] ?? '';
  return text.slice(0, start) + quote + value + quote + text.slice(end);
}

/** Puts another value in the place of a one-line value of a key, tag included. */
export function replaceValue(template: EditedTemplate, map: YAMLMap, key: string, value: Json): string {
  const { text, style, refuse } = template;
  const pair = pairOf(map, key);
  const node = pair?.value;
  if (pair === undefined || !isScalar(node) || /[\r\n]/.test(sourceOf(text, node))) {
    throw refuse(`${key} is not one value on one line`, `${key} with such a value`, checkNames);
  }
  const written = isInFlow(map) ? JSON.stringify(value) : (yamlLines(key, value, style)[0] ?? '').slice(key.length + 2);
  const start = startOf(node);
  // The range of a node leaves its tag out.
  const tag = node.tag?.startsWith('!') && !node.tag.startsWith('!!') ? text.lastIndexOf(node.tag, start) : start;
  return text.slice(0, tag) + written + text.slice(endOf(node));
}

/** How many columns the node's first character stands from the left edge. */
export function columnOf(text: string, node: unknown): number {
  const start = startOf(node);
  return start - lineStart(text, start);
}

function endOf(node: unknown): number {
  return (node as Node | undefined)?.range?.[1] ?? 0;
}
