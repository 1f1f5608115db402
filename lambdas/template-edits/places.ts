import { isMap, isNode, isPair, isSeq, type YAMLMap, type YAMLSeq } from 'yaml';

/** True for a collection in braces or brackets, as all of JSON is. */
export function isInFlow(collection: YAMLMap | YAMLSeq): boolean {
  return collection.flow === true;
}

export function cut(text: string, from: number, to: number): string {
  return text.slice(0, from) + text.slice(to);
}

/** Where a node, or the key of a pair, begins. */
export function startOf(node: unknown): number {
  if (isPair(node)) return startOf(node.key);
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** How a node is written, its tag left out. */
export function sourceOf(text: string, node: unknown): string {
  const [start, end] = isNode(node) ? (node.range ?? [0, 0]) : [0, 0];
  return text.slice(start, end);
}

/** Where the line after the node's last line starts. A collection's own range would include the comments that follow it. */
export function contentEnd(text: string, node: unknown): number {
  const last = lastOffset(node);
  if (last > 0 && text[last - 1] === '\n') return last;
  const lineBreak = text.indexOf('\n', last);
  return lineBreak === -1 ? text.length : lineBreak + 1;
}

/** Where a node's, or a pair's, last character ends. */
export function lastOffset(node: unknown): number {
  if (isPair(node)) return Math.max(lastOffset(node.key), lastOffset(node.value));
  if ((isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0) return lastOffset(node.items.at(-1));
  return isNode(node) ? (node.range?.[1] ?? 0) : 0;
}

/** Widens the lines of an entry by the comment right above it, and by one blank line above or, where there is none, below it. */
export function withSurroundings(text: string, from: number, to: number): [from: number, to: number] {
  const margin = /^[ \t]*/.exec(text.slice(from, to))?.[0] ?? '';
  let start = from;
  for (let line = lineBefore(text, start); line.startsWith(`${margin}#`); line = lineBefore(text, start))
    start -= line.length;
  const above = lineBefore(text, start);
  if (above !== '' && above.trim() === '') return [start - above.length, to];
  const below = /^[ \t]*\r?\n/.exec(text.slice(to))?.[0] ?? '';
  return [start, to + below.length];
}

/** The whole line that ends right before an offset, its line break included; empty at the beginning of the text. */
function lineBefore(text: string, offset: number): string {
  return offset === 0 ? '' : text.slice(lineStart(text, offset - 1), offset);
}
