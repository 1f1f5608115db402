import { applyPatch, createTwoFilesPatch, OMIT_HEADERS } from 'diff';
import { isMap } from 'yaml';
import { isObject, parseTemplate } from './document.ts';
import { addPair, mapAt, openForEdit, pairOf, removePair } from './splice.ts';

/** What `switch` leaves in a template, so that `back` needs nothing but the template: no secret, only lines that it had. */
export interface SwitchRecord {
  /** The default of the image parameter that the switch has set. */
  image: string;
  /** Unified diff from the switched text, without the record, to the text before. */
  back: string;
}

const NAME = {
  title: 'Keep what the switch takes out of the template',
  runbook: 'Rollback',
};
const KEY = 'RelayCutover';

/** Finds the record in a template. */
export function readRecord(text: string): SwitchRecord | undefined {
  const { sections } = parseTemplate(text).model;
  const metadata = isObject(sections.Metadata) ? sections.Metadata[KEY] : undefined;
  if (!isObject(metadata) || typeof metadata.Image !== 'string' || typeof metadata.Back !== 'string') return undefined;
  return { image: metadata.Image, back: metadata.Back };
}

/**
 * Adds the record to a switched text. It stands in the section Metadata, which CloudFormation keeps and makes nothing of.
 *
 * @param original the text before the switch, without a record
 */
export function addRecord(original: string, switched: string, image: string): string {
  const back = createTwoFilesPatch('', '', toLines(switched), toLines(original), '', '', {
    context: 3,
    headerOptions: OMIT_HEADERS,
  });
  const record = { [KEY]: { Image: image, Back: back } };
  const template = openForEdit(NAME, switched);
  const { contents } = template.document;
  if (!isMap(contents)) return switched;
  if (pairOf(contents, 'Metadata') !== undefined) {
    return addPair(template, mapAt(template, ['Metadata']), KEY, record[KEY] ?? {});
  }
  // Not at the end, where a file without a last line break would get one.
  const first = ['Description', 'AWSTemplateFormatVersion'].find((key) => pairOf(contents, key) !== undefined);
  const below = first ?? 'Resources';
  return addPair(template, contents, 'Metadata', record, { below, apart: true });
}

/** Takes the record out again: what is left is byte for byte what it was added to. */
export function removeRecord(text: string): string {
  const template = openForEdit(NAME, text);
  const { contents } = template.document;
  if (readRecord(text) === undefined || !isMap(contents)) return text;
  const metadata = mapAt(template, ['Metadata']);
  if (metadata.items.length > 1) return removePair(template, metadata, KEY);
  return removePair(template, contents, 'Metadata', { apart: true });
}

/** Applies the diff of a record to a switched text without its record; undefined where the lines are not those of the diff. */
export function applyRecord(switched: string, { back }: SwitchRecord): string | undefined {
  let lines: string | false;
  try {
    lines = applyPatch(toLines(switched), back, { autoConvertLineEndings: false });
  } catch {
    // Somebody has been at the record: it is no diff any more.
    return undefined;
  }
  return lines === false ? undefined : fromLines(lines, switched);
}

/** The text as lines for a diff: line ends alike, and minified JSON, which has no line break inside, broken up. */
export function toLines(text: string): string {
  return isOneLine(text) ? text.replace(/[,{[]/g, '$&\n') : text.replaceAll('\r\n', '\n');
}

function fromLines(lines: string, like: string): string {
  if (isOneLine(like)) return lines.replace(/([,{[])\n/g, '$1');
  return like.includes('\r\n') ? lines.replaceAll('\n', '\r\n') : lines;
}

function isOneLine(text: string): boolean {
  return !text.trimEnd().includes('\n');
}
