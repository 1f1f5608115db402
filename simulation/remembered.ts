/**
 * Pure functions that all runs ask the same of: where they stand, and what they are called. Lists of edits are among the answers, so
 * that a text and the same list again have the same result.
 */
export const REMEMBERED = [
  { file: 'lambdas/template-edits/back.ts', names: ['switchTemplate', 'backTemplate'] },
  { file: 'lambdas/template-edits/add-rds.ts', names: ['addRdsEdits'] },
  { file: 'lambdas/template-edits/switch.ts', names: ['switchEdits'] },
  { file: 'lambdas/template-edits/remove-efs.ts', names: ['removeEfsEdits', 'finalizeEdits'] },
  { file: 'lambdas/template-edits/apply.ts', names: ['applyEdits'] },
  { file: 'lambdas/preflight/preview.ts', names: ['changedLines'] },
  { file: 'rehearsal/cloudformation/template.ts', names: ['readTemplate'] },
];

/** More than the templates of all runs make; a break of the source may make others each time. */
const ANSWERS_MAX = 2_000;

/**
 * The same function, which works out each answer once: what it was given stands for it as JSON, and a list of functions for itself.
 * Nobody changes an answer in place.
 *
 * @public Imported by the text that `withMemory` makes.
 */
export function remember<Given extends unknown[], Answer>(
  work: (...given: Given) => Answer,
): (...given: Given) => Answer {
  const answers = new Map<string, { answer: Answer } | { error: unknown }>();
  return (...given) => {
    const key = JSON.stringify(given, asKey);
    const known = answers.get(key) ?? outcomeOf(() => work(...given));
    if (answers.size >= ANSWERS_MAX) answers.clear();
    answers.set(key, known);
    if ('error' in known) throw known.error;
    return known.answer;
  };
}

/** Numbers of what JSON cannot tell apart. */
const numbers = new WeakMap<object, number>();
let count = 0;

function asKey(_: string, value: unknown): unknown {
  if (typeof value !== 'function') return value;
  const number = numbers.get(value) ?? ++count;
  numbers.set(value, number);
  return `function ${number}`;
}

function outcomeOf<Answer>(work: () => Answer): { answer: Answer } | { error: unknown } {
  try {
    return { answer: work() };
  } catch (error) {
    return { error };
  }
}

/**
 * The text of a source file in which the functions of the list remember; all other files stay as they are.
 *
 * @throws Error when a function of the list is not exported there
 */
export function withMemory(file: string, text: string, module: string): string {
  const { names = [] } = REMEMBERED.find((entry) => entry.file === file) ?? {};
  return names.reduce((source, name) => {
    const declared = `export function ${name}(`;
    if (!source.includes(declared)) throw new Error(`In ${file} no function ${name} is exported.`);
    // A declaration is there before the line that wraps it.
    const wrapped = `import { remember as remember_${name} } from ${JSON.stringify(module)};\nexport const ${name} = remember_${name}(${name}Anew);\n`;
    return `${wrapped}${source.replace(declared, `function ${name}Anew(`)}`;
  }, text);
}
