import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { Refused } from '../../statemachine/errors.ts';

/** A template's text, its YAML nodes (with their places in the text), and its meaning as plain JSON. */
export interface TemplateDocument {
  text: string;
  document: Document.Parsed;
  model: TemplateModel;
}

/** The template as JSON: every short form written out (`!Ref X` is `{Ref: X}`, `!GetAtt A.B` is `{Fn::GetAtt: [A, B]}`). */
export interface TemplateModel {
  Parameters: Record<string, JsonObject>;
  Resources: Record<string, JsonObject>;
  Outputs: Record<string, JsonObject>;
  /** All top-level sections, also those that the three above do not name. */
  sections: JsonObject;
}

/** AWS: "Intrinsic function reference". `Ref` and `Condition` alone carry no `Fn::` in their full form. */
const shortForms = [
  'And',
  'Base64',
  'Cidr',
  'Condition',
  'Equals',
  'FindInMap',
  'GetAtt',
  'GetAZs',
  'If',
  'ImportValue',
  'Join',
  'Length',
  'Not',
  'Or',
  'Ref',
  'Select',
  'Split',
  'Sub',
  'ToJsonString',
  'Transform',
];

const customTags = shortForms.flatMap((name) => [
  { tag: `!${name}`, resolve: (value: string) => value },
  { tag: `!${name}`, collection: 'seq' as const },
  { tag: `!${name}`, collection: 'map' as const },
]);

/**
 * Reads the text of a CloudFormation template, YAML or JSON, keeping the place of every node.
 * Throws Refused when it is not one well-formed document with a Resources section. No line of the text is quoted in a
 * message, because a template may hold secrets in plain text.
 */
export function parseTemplate(text: string): TemplateDocument {
  const found = recent.get(text) ?? parsed(text);
  recent.delete(text);
  recent.set(text, found);
  const [oldest] = recent.keys();
  if (recent.size > RECENT_MAX && oldest !== undefined) recent.delete(oldest);
  return found;
}

/**
 * What was read last, by its text; nobody changes it in place. An edit, its proof and the next edit read the same texts, and
 * so do a preflight and the change set after it.
 */
const recent = new Map<string, TemplateDocument>();

/** As many as the longest two lists of edits have steps; a third of a megabyte each. */
const RECENT_MAX = 48;

function parsed(text: string): TemplateDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { customTags, lineCounter, prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    throw new Refused(
      `The template is not valid YAML: ${problem.code} at line ${line}, column ${col}. Expected a CloudFormation template in one YAML document. Repair the stack's template and start again.`,
    );
  }
  refuseSharing(document, lineCounter);
  const sections = toJson(document.contents);
  if (!isObject(sections) || !isObject(sections.Resources)) {
    throw new Refused(
      'The template has no section "Resources". Expected a CloudFormation template with Parameters, Resources and Outputs. Check that the stack and the file are the right ones.',
    );
  }
  const model: TemplateModel = {
    Parameters: sectionOf(sections, 'Parameters'),
    Resources: sectionOf(sections, 'Resources'),
    Outputs: sectionOf(sections, 'Outputs'),
    sections,
  };
  return { text, document, model };
}

/** An edit of what is shared would change another place too. Source: CloudFormation user guide, "Template format: YAML". */
function refuseSharing(document: Document.Parsed, lineCounter: LineCounter): void {
  let found: { what: string; node: Node } | undefined;
  visit(document, {
    Alias(_, node) {
      found = { what: 'an alias', node };
      return visit.BREAK;
    },
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== '<<') return undefined;
      found = { what: 'a merge key', node: key };
      return visit.BREAK;
    },
  });
  if (found === undefined) return;
  const { line, col } = lineCounter.linePos(found.node.range?.[0] ?? 0);
  throw new Refused(
    `The template has ${found.what} at line ${line}, column ${col}, and CloudFormation supports none. Expected every value written out. Write it out, deploy the template, and start again.`,
  );
}

function sectionOf(sections: JsonObject, name: string): Record<string, JsonObject> {
  const entries = Object.entries(isObject(sections[name]) ? sections[name] : {});
  return Object.fromEntries(
    entries.map(([logicalId, body]) => {
      if (isObject(body)) return [logicalId, body];
      throw new Refused(
        `${name}.${logicalId} is not a mapping. Expected Type and its other keys under it. Repair the stack's template and start again.`,
      );
    }),
  );
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toJson(node: unknown): Json {
  if (isMap(node)) {
    const object: JsonObject = {};
    for (const { key, value } of node.items) object[keyText(key)] = toJson(value);
    return tagged(node, normalized(object));
  }
  if (isSeq(node))
    return tagged(
      node,
      node.items.map((item) => toJson(item)),
    );
  if (isScalar(node)) return tagged(node, node.value as Json);
  return null;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function tagged(node: Node, value: Json): Json {
  const tag = 'tag' in node ? node.tag : undefined;
  if (tag === undefined || !tag.startsWith('!')) return value;
  const name = tag.slice(1);
  return normalized({ [name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`]: value });
}

/** `Fn::GetAtt` may be written `A.B.C`; the logical name never holds a dot, the attribute may. */
function normalized(object: JsonObject): JsonObject {
  const target = object['Fn::GetAtt'];
  if (typeof target !== 'string' || !target.includes('.')) return object;
  const dot = target.indexOf('.');
  return { ...object, 'Fn::GetAtt': [target.slice(0, dot), target.slice(dot + 1)] };
}
