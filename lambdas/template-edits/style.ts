import { isMap, isSeq, type YAMLMap } from 'yaml';
import type { TemplateDocument } from './document.ts';
import { lineStart, startOf } from './places.ts';
import type { TemplateStyle } from './print.ts';

const INDENT_DEFAULT = 2;

/** Reads off a template how it is written: by its resources, which every template has. */
export function styleOf({ text, document }: TemplateDocument): TemplateStyle {
  const resources = document.getIn(['Resources'], true) as YAMLMap;
  const [first] = resources.items;
  const column = first === undefined ? 0 : columnAt(text, startOf(first));
  const outer = isMap(document.contents) ? columnAt(text, startOf(document.contents.items[0])) : 0;
  return {
    indent: column > outer ? column - outer : INDENT_DEFAULT,
    indentSeq: seqIndent(text, resources) ?? true,
    lineBreak: text.includes('\r\n') ? '\r\n' : '\n',
  };
}

/** Whether the first list in block style stands further in than its key. */
function seqIndent(text: string, map: YAMLMap): boolean | undefined {
  for (const { key, value } of map.items) {
    if (isSeq(value) && value.flow !== true) return columnAt(text, startOf(value)) > columnAt(text, startOf(key));
    const found = isMap(value) && value.flow !== true ? seqIndent(text, value) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function columnAt(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}
