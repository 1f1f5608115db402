import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface Document {
  path: string;
  /** The whole text without its blocks of code. */
  text: string;
  /** What stands in backticks. */
  spans: string[];
  /** Lines of the blocks that show what is typed. */
  lines: string[];
}

/** Everything that git has, or would take. */
export function repositoryFiles(): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && existsSync(file));
}

/** The documents that describe what there is; those that tell what was decided or changed keep the names of their time. */
export function documents(files: string[]): Document[] {
  return files
    .filter((file) => file === 'README.md' || (/^docs\/.+\.md$/.test(file) && file !== 'docs/decisions.md'))
    .map((path) => readDocument(path, readFileSync(path, 'utf8')));
}

function readDocument(path: string, whole: string): Document {
  const blocks = [...whole.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const text = whole.replace(/^```\w*\n[\s\S]*?^```$/gm, '');
  const lines = blocks.filter(([, language]) => language === 'sh').flatMap(([, , body = '']) => body.split('\n'));
  const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replace(/\s+/g, ' '));
  return { path, text, spans, lines };
}

/** The text of all programs, templates and settings. */
export function codeOf(files: string[]): string {
  return files
    .filter(
      (file) =>
        /\.(ts|mjs|py|yaml|txt)$|Dockerfile$|package\.json$/.test(file) &&
        !/^(docs|test\/(?!emulator|infra\/policies\.txt))/.test(file),
    )
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}

/** The names of all properties of a JSON Schema, however deep. */
export function namesOf(schema: object): string[] {
  return Object.entries(schema).flatMap(([key, value]) => {
    if (typeof value !== 'object' || value === null) return [];
    return key === 'properties' ? [...Object.keys(value), ...namesOf(value)] : namesOf(value);
  });
}
