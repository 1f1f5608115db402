/**
 * JSON of a list of texts in which nobody on its way finds anything to replace: a name of a table may be `{% ... %}` to JSONata, `${...}` to the
 * substitutions of a definition, `{{resolve:...}}` to CloudFormation.
 */
export function literalJson(texts: string[]): string {
  return JSON.stringify(texts).replace(
    /[{$]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
