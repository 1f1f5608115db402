import type { YAMLMap, YAMLSeq } from 'yaml';
import type { Json } from '../../statemachine/asl.ts';
import { cut, lastOffset, lineStart, startOf } from './places.ts';
import { jsonText, type TemplateStyle } from './print.ts';

/** Removes an entry of a collection in braces or brackets, with the comma and the white space that belong to it. */
export function removeFromFlow(text: string, collection: YAMLMap | YAMLSeq, entry: unknown): string {
  const entries: unknown[] = collection.items;
  const place = entries.indexOf(entry);
  if (place > 0) return cut(text, lastOffset(entries[place - 1]), lastOffset(entry));
  const next = entries[1];
  return cut(text, beginOf(text, entry), next === undefined ? lastOffset(entry) : beginOf(text, next));
}

/**
 * Adds an entry to a collection in braces or brackets, as JSON, which is YAML too: on lines of its own where the entry before
 * it has them, else beside it.
 */
export function addToFlow(
  text: string,
  collection: YAMLMap | YAMLSeq,
  below: unknown,
  style: TemplateStyle,
  value: Json,
  key?: string,
): string {
  const { lineBreak } = style;
  const open = (collection.range?.[0] ?? 0) + 1;
  const name = key === undefined ? '' : JSON.stringify(key);
  if (below === undefined) {
    const written = key === undefined ? JSON.stringify(value) : `${name}: ${JSON.stringify(value)}`;
    return text.slice(0, open) + written + text.slice(open);
  }
  const at = lastOffset(below);
  const start = beginOf(text, below);
  const margin = text.slice(lineStart(text, start), start);
  const isOnOwnLine = margin.trim() === '' && lineStart(text, start) > open - 1;
  if (isOnOwnLine) {
    const indent = margin.includes('\t') ? '\t' : ' '.repeat(style.indent);
    const written = jsonText(value, indent, margin, lineBreak);
    return `${text.slice(0, at)},${lineBreak}${margin}${key === undefined ? '' : `${name}: `}${written}${text.slice(at)}`;
  }
  // Minified JSON has no space anywhere between its signs.
  const gap = /^\s*\{/.test(text) && !/"\s*:\s/.test(text) ? '' : ' ';
  const written = JSON.stringify(value);
  return `${text.slice(0, at)},${gap}${key === undefined ? '' : `${name}:${gap}`}${written}${text.slice(at)}`;
}

/** Where an entry begins, its tag included, which the range of a node leaves out. */
function beginOf(text: string, entry: unknown): number {
  const start = startOf(entry);
  const tag = /![^\s!,[\]{}]+\s+$/.exec(text.slice(lineStart(text, start), start))?.[0] ?? '';
  return start - tag.length;
}
