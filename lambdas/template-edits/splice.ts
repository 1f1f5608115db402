import { isMap, isNode, isPair, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { Refused } from '../../statemachine/errors.ts';
import { parseTemplate, type TemplateDocument } from './document.ts';

/** What an edit works on: the template's text and nodes, and a way to refuse that names the edit. */
export interface EditedTemplate extends TemplateDocument {
  refuse(seen: string, expected: string, todo: string): Refused;
}

export interface EditName {
  title: string;
  /** The runbook step that the edit replaces. */
  runbook: string;
}

/** Parses the text for one edit. Throws Refused for what is not block-style YAML: lines can be cut from nothing else. */
export function openForEdit(edit: EditName, text: string): EditedTemplate {
  const refuse = (seen: string, expected: string, todo: string) =>
    new Refused(`"${edit.title}" (runbook ${edit.runbook}) cannot be applied: ${seen}. Expected ${expected}. ${todo}.`);
  const template = parseTemplate(text);
  const { contents } = template.document;
  if (!isMap(contents) || contents.flow === true) {
    throw refuse(
      'the template is JSON or flow-style YAML',
      'block-style YAML, one key on a line',
      'Convert the template (for instance with cfn-flip), deploy it unchanged, and start again',
    );
  }
  return { ...template, refuse };
}

/** The mapping at a path of keys; Refused, naming the path, where there is none or it is written in flow style. */
export function mapAt(template: EditedTemplate, path: string[]): YAMLMap {
  const node = template.document.getIn(path, true);
  const place = path.join('.');
  if (!isMap(node)) throw template.refuse(`there is no mapping ${place}`, `${place} with its keys`, checkNames);
  return inBlockStyle(template, node, place);
}

export const checkNames = 'Check the names in the settings against the template of the stack';

export function inBlockStyle<N extends YAMLMap | YAMLSeq>(template: EditedTemplate, node: N, place: string): N {
  if (node.flow !== true) return node;
  throw template.refuse(
    `${place} is written in flow style`,
    'block style, one entry on a line',
    `Write ${place} in block style, deploy the template unchanged, and start again`,
  );
}

export function pairOf(map: YAMLMap, key: string): Pair<unknown, unknown> | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** Removes the lines of a key and its whole value; comments above and below stay. */
export function removePair(template: EditedTemplate, map: YAMLMap, key: string): string {
  const pair = pairOf(map, key);
  if (pair === undefined) return template.text;
  const start = startOf(pair.key);
  const before = template.text.slice(lineStart(template.text, start), start);
  if (before.trim() !== '') {
    throw template.refuse(
      `${key} shares its line with what stands before it`,
      `${key} on a line of its own`,
      `Move ${key} to a line of its own (in a list item: below another key), deploy the template unchanged, and start again`,
    );
  }
  return cut(template.text, lineStart(template.text, start), contentEnd(template.text, pair));
}

/** Removes the lines of one item of a block list; comments above and below stay. */
export function removeItem(template: EditedTemplate, list: YAMLSeq, item: unknown, place: string): string {
  inBlockStyle(template, list, place);
  const start = startOf(item);
  const from = lineStart(template.text, start);
  if (!/^\s*-\s+(!\S+\s+)?["']?$/.test(template.text.slice(from, start))) {
    throw template.refuse(
      `an item of ${place} shares its line with what stands before it`,
      'one item on a line',
      `Write ${place} with each item on its own lines, deploy the template unchanged, and start again`,
    );
  }
  return cut(template.text, from, contentEnd(template.text, item));
}

/** Inserts whole lines below everything that belongs to `node`, with the line ends that the text uses. */
export function insertBelow(text: string, node: unknown, lines: string[]): string {
  const at = contentEnd(text, node);
  const lineBreak = text.includes('\r\n') ? '\r\n' : '\n';
  const block = lines.map((line) => line + lineBreak).join('');
  const atOpenEnd = at === text.length && !text.endsWith('\n');
  return text.slice(0, at) + (atOpenEnd ? lineBreak + block.slice(0, -lineBreak.length) : block) + text.slice(at);
}

/** Puts another value in the place of a one-line scalar; quotes, tag and a comment behind it stay as they are. */
export function replaceScalar(text: string, scalar: Node, value: string): string {
  const [start, end] = scalar.range ?? [0, 0];
  const quote = /^["']/.exec(text.slice(start, end))?.[0] ?? '';
  return text.slice(0, start) + quote + value + quote + text.slice(end);
}

/** How many columns the node's first character stands from the left edge. */
export function columnOf(text: string, node: unknown): number {
  const start = startOf(node);
  return start - lineStart(text, start);
}

function cut(text: string, from: number, to: number): string {
  return text.slice(0, from) + text.slice(to);
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Where the line after the node's last line starts. A collection's own range would include the comments that follow it. */
function contentEnd(text: string, node: unknown): number {
  const last = lastOffset(node);
  if (last > 0 && text[last - 1] === '\n') return last;
  const lineBreak = text.indexOf('\n', last);
  return lineBreak === -1 ? text.length : lineBreak + 1;
}

function lastOffset(node: unknown): number {
  if (isPair(node)) return Math.max(lastOffset(node.key), lastOffset(node.value));
  if ((isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0) return lastOffset(node.items.at(-1));
  return isNode(node) ? (node.range?.[1] ?? 0) : 0;
}
