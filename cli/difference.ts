import { createTwoFilesPatch, structuredPatch } from 'diff';
import type { Colors } from './execution-lines.ts';

/** A unified diff as `diff -u` makes it, with the lines beside those that differ; empty where the texts are equal. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const patch = createTwoFilesPatch(path, `${path} (edited)`, before, after, '', '', { context: 3 });
  return patch
    .split('\n')
    .filter((line) => !/^=+$/.test(line))
    .join('\n');
}

/**
 * The same without the lines beside, which a template may hold secrets in, and without the names of files: each group of lines
 * begins with the key that it stands below, as in `@@ -12,2 +12,3 @@ RelayService`.
 */
export function changedLines(before: string, after: string): string {
  const { hunks } = structuredPatch('', '', before, after, '', '', { context: 0 });
  const old = before.split('\n');
  return hunks
    .flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      `@@ -${place(oldStart, oldLines)} +${place(newStart, newLines)} @@${below(old.slice(0, oldStart - 1))}`,
      ...lines.map((line) => line.trimEnd()),
    ])
    .join('\n');
}

/** Of no lines the unified format names the one before them. */
const place = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`;

/** The resource, parameter or section that begins last: a key of the two outer levels with nothing beside it but a brace. */
function below(above: string[]): string {
  const keys = above.flatMap((line) => {
    const [, indent = '', key] = /^(\s*)"?([A-Za-z0-9]+)"?:\s*\{?\s*$/.exec(line) ?? [];
    return key === undefined ? [] : [{ depth: indent.length, key }];
  });
  const depth = Math.min(...keys.flatMap((one) => (one.depth > 0 ? [one.depth] : [])));
  const last = keys.findLast((one) => one.depth <= depth);
  return last === undefined ? '' : ` ${last.key}`;
}

/** Colours the lines of a diff. */
export function painted(diff: string, colors: Colors): string {
  const paint = (line: string): string => {
    if (line.startsWith('+')) return colors.green(line);
    if (line.startsWith('@@')) return colors.cyan(line);
    return line.startsWith('-') ? colors.red(line) : line;
  };
  return diff.split('\n').map(paint).join('\n');
}
