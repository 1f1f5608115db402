import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../cli/program.ts';
import { MACHINES } from '../statemachine/machines.ts';
import { parseSettings, settingsJsonSchema } from '../statemachine/settings.ts';
import { allStates } from './statemachine/graph.ts';
import { codeOf, type Document, documents, namesOf, repositoryFiles } from './support/documents.ts';

const files = repositoryFiles();
/** Everything but documents and tests: what is named in a document and nowhere here has gone, or has another name. */
const code = codeOf(files);
const stateNames = new Set(
  Object.values(MACHINES).flatMap((machine) => allStates(machine(parseSettings()).States).map(({ name }) => name)),
);
const settingNames = new Set(namesOf(settingsJsonSchema()));
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
let program: Command;
beforeAll(async () => {
  program = await createProgram();
});

/** Options of other programs that stand alone in a document. */
const OF_OTHERS = ['--build-arg'];

/** Whether it stands in the code as a word, not as a part of one. */
function isInCode(word: string): boolean {
  return new RegExp(`(?<![\\w-])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w-])`).test(code);
}

/** The command that a line calls, as deep as its words go; undefined where the first word names none. */
function commandOf(words: string[], above: Command = program): Command | undefined {
  const next = above.commands.find((one) => one.name() === words[0]);
  if (next === undefined) return above === program ? undefined : above;
  return commandOf(words.slice(1), next);
}

const flagsOf = (command: Command): string[] => [
  ...command.options.flatMap(({ long, short }) => [long, short].filter((flag) => flag != null)),
  '--help',
];
const flagsIn = (text: string): string[] => text.match(/(?<!\S)--[a-z][\w-]*/g) ?? [];

/** What is called by a name that the program does not know: the command, or one of its options. */
function unknownIn(call: string): string[] {
  const [, rest = ''] = /^(?:npx )?relay-cutover\s+(.*)$/.exec(call) ?? [];
  const words = rest.split(/\s+/);
  if (!/^[a-z]/.test(words[0] ?? '')) return [];
  const command = commandOf(words);
  if (command === undefined) return [call];
  return flagsIn(rest)
    .filter((flag) => !flagsOf(command).includes(flag))
    .map((flag) => `${call}: ${flag}`);
}

/** The script of `npm run`, and the options that are for the rehearsal; other scripts hand theirs on. */
function unknownScriptIn(call: string): string[] {
  const [, name = '', rest = ''] = /^npm (?:run )?([\w:]+)(.*)$/.exec(call) ?? [];
  if (!(name in scripts)) return [call];
  if (name !== 'rehearse') return flagsIn(rest.split(' -- -- ')[0] ?? '').filter((flag) => !isInCode(flag));
  return unknownIn(`relay-cutover rehearse${rest.replace(' --', '')}`);
}

const callsOf = ({ spans, lines }: Document, begin: RegExp): string[] =>
  [...spans, ...lines].flatMap((text) => {
    const at = text.search(begin);
    return at < 0
      ? []
      : (text
          .slice(at)
          .split(/\s[#|]\s|\s#/)[0]
          ?.trim() ?? []);
  });
const words = (text: string, form: RegExp): string[] => (form.test(text) ? [text] : []);

describe.each(documents(files))('$path', (document) => {
  const { spans, text, path } = document;

  it('names commands and options that the program has', () => {
    const calls = callsOf(document, /(?<![\w/-])(npx )?relay-cutover [a-z]/);
    expect(calls.flatMap(unknownIn)).toEqual([]);
    const known = new Set([program, ...program.commands.flatMap((one) => [one, ...one.commands])].flatMap(flagsOf));
    const alone = spans.filter((span) => span.startsWith('--')).flatMap(flagsIn);
    expect(alone.filter((flag) => !known.has(flag) && !isInCode(flag) && !OF_OTHERS.includes(flag))).toEqual([]);
  });

  it('names scripts that package.json has', () => {
    expect(callsOf(document, /(?<![\w-])npm (run [a-z]|test)/).flatMap(unknownScriptIn)).toEqual([]);
  });

  it('names states, settings and other things that the code has', () => {
    const keys = spans.flatMap((span) => [...span.matchAll(/"(\w+)":/g)].map(([, key = '']) => key));
    const named = [...keys, ...spans.flatMap((span) => words(span, /^[A-Za-z][A-Za-z0-9]*([._:-][A-Za-z0-9]+)*$/))];
    // A call of AWS is a command of its client.
    const isKnown = (name: string): boolean =>
      [stateNames, settingNames].some((names) => names.has(name)) ||
      files.includes(name) ||
      isInCode(name) ||
      isInCode(`${name}Command`);
    expect([...new Set(named)].filter((name) => !isKnown(name))).toEqual([]);
  });

  it('names files and folders that are there', () => {
    const named = spans.flatMap((span) => words(span, /^[\w.-]+(\/[\w.-]*)+$/));
    // A folder may be named after the one that it is in.
    const isThere = (name: string): boolean =>
      existsSync(name) || files.some((file) => file.includes(`/${name}`)) || isInCode(name);
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });

  it('has links that lead somewhere', () => {
    const broken = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(([, to = '', heading]) => {
      const target = to === '' ? path : normalize(join(dirname(path), to));
      return !existsSync(target) || (heading !== undefined && !anchorsOf(target).includes(heading));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

/** As GitHub makes them from headings. */
function anchorsOf(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
