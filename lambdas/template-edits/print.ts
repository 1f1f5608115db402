import { Document, isScalar, isSeq, Scalar, visit, type YAMLMap } from 'yaml';
import type { Json } from '../../statemachine/asl.ts';

/** How a template is written; new pieces are written alike. */
export interface TemplateStyle {
  /** Columns from a key to the keys below it. */
  indent: number;
  /** True where the dashes of a list stand further in than its key. */
  indentSeq: boolean;
  lineBreak: '\n' | '\r\n';
}

/**
 * Prints a key and its value (or, without a key, one item of a list) as lines of block-style YAML without a margin, intrinsic
 * functions in their short forms.
 *
 * @param value JSON with intrinsics written out: `{Ref: X}`, `{"Fn::Sub": text}`, `{"Fn::GetAtt": [name, attribute]}`
 */
export function yamlLines(key: string | undefined, value: Json, style: TemplateStyle): string[] {
  const document = new Document(key === undefined ? [value] : { [key]: value }, {
    // CloudFormation reads YAML 1.1, where an unquoted date or `yes` is no text.
    schema: 'yaml-1.1',
  });
  visit(document, { Map: (_, node) => shortForm(node) });
  const { indent, indentSeq } = style;
  return document.toString({ indent, indentSeq, lineWidth: 0 }).trimEnd().split('\n');
}

/** Prints a value as JSON; on several lines, those after the first get the margin. */
export function jsonText(value: Json, indent: string | undefined, margin: string, lineBreak: string): string {
  return JSON.stringify(value, null, indent).replaceAll('\n', lineBreak + margin);
}

function shortForm(node: YAMLMap): Scalar | undefined {
  const [pair, ...others] = node.items;
  if (pair === undefined || others.length > 0 || !isScalar(pair.key)) return undefined;
  const { value } = pair;
  if (pair.key.value === 'Ref' && isScalar(value)) return tagged('!Ref', value.value);
  if (pair.key.value === 'Fn::Sub' && isScalar(value)) return tagged('!Sub', value.value);
  if (pair.key.value === 'Fn::GetAtt' && isSeq(value)) {
    return tagged('!GetAtt', value.items.map((item) => (isScalar(item) ? item.value : item)).join('.'));
  }
  return undefined;
}

function tagged(tag: string, value: unknown): Scalar {
  const scalar = new Scalar(value);
  scalar.tag = tag;
  return scalar;
}
