import type { Json } from '../../statemachine/asl.ts';
import { isObject, type TemplateModel } from './document.ts';

/** One mention of a parameter or resource; `attribute` is set where Fn::GetAtt or `${A.B}` in Fn::Sub asks for one. */
export interface Reference {
  name: string;
  attribute?: string;
}

/** Lists what a template value refers to by Ref, Fn::GetAtt and Fn::Sub, pseudo parameters (`AWS::...`) included. */
export function references(value: Json | undefined): Reference[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref' && typeof inner === 'string') return [{ name: inner }];
    if (key === 'Fn::GetAtt' && Array.isArray(inner)) return [{ name: String(inner[0]), attribute: String(inner[1]) }];
    if (key === 'Fn::Sub') return subReferences(inner);
    return references(inner);
  });
}

/** A place in the text of Fn::Sub: `${Name}`, `${Name.Attribute}`, or the escaped `${!Literal}`. */
export const subPlace = /\$\{(!?)([^}]*)\}/g;

function subReferences(argument: Json): Reference[] {
  const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const own = isObject(variables) ? variables : {};
  const named = [...String(text).matchAll(subPlace)].flatMap(([, escaped, inside = '']) => {
    const place = inside.trim();
    if (escaped === '!' || place in own) return [];
    const dot = place.indexOf('.');
    return [dot === -1 ? { name: place } : { name: place.slice(0, dot), attribute: place.slice(dot + 1) }];
  });
  return [...named, ...references(own)];
}

/** The logical names in `DependsOn`, which may be absent, one name, or a list. */
export function dependsOn(resource: Record<string, Json>): string[] {
  const value = resource.DependsOn;
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

/** Of templates that are still in use: each is asked before and after an edit, and nobody changes one in place. */
const found = new WeakMap<TemplateModel, string[]>();

/** Lists every name that is referred to and stands nowhere in the template, each once, as `place -> name`. */
export function danglingReferences(model: TemplateModel): string[] {
  const known = found.get(model) ?? findDangling(model);
  found.set(model, known);
  return known;
}

function findDangling(model: TemplateModel): string[] {
  const known = (name: string) => name.startsWith('AWS::') || name in model.Parameters || name in model.Resources;
  const inResources = Object.entries(model.Resources).flatMap(([place, body]) =>
    [...references(body).map(({ name }) => name), ...dependsOn(body)].map((name) => ({ place, name })),
  );
  const inOutputs = Object.entries(model.Outputs).flatMap(([place, body]) =>
    references(body).map(({ name }) => ({ place, name })),
  );
  const missing = [...inResources, ...inOutputs].filter(({ name }) => !known(name));
  return [...new Set(missing.map(({ place, name }) => `${place} -> ${name}`))];
}
