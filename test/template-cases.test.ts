import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTwoFilesPatch, OMIT_HEADERS } from 'diff';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EDIT_LISTS, type EditListName } from '../lambdas/template-edits/lists.ts';
import { Refused } from '../statemachine/errors.ts';
import { parseSettings } from '../statemachine/settings.ts';

/**
 * Each folder is a template that somebody's hand has been at: whole (`template.yaml`, `template.json`, or a `template.path` to
 * one elsewhere), or the small one of this directory with what `changes.yaml` replaces in it. The files `1-add-rds.diff`,
 * `2-switch.diff` ... say in order which lists are applied, each to what the one before left, and what each changes;
 * `3-back.refused` holds the message of a refusal, and after `1-add-rds.applied` the difference is not looked at. Settings other
 * than the defaults stand in `settings.yaml`. A new case needs empty files with such names and `npx vitest -u`; then read
 * what they hold.
 */
const CASES = 'test/template-cases';

const settingsOf = (folder: string) => {
  const file = join(folder, 'settings.yaml');
  return parseSettings(existsSync(file) ? parse(readFileSync(file, 'utf8')) : {});
};

function templateOf(folder: string): string {
  const whole = readdirSync(folder).find((name) => name.startsWith('template.'));
  if (whole !== undefined) {
    const text = readFileSync(join(folder, whole), 'utf8');
    return whole === 'template.path' ? readFileSync(text.trim(), 'utf8') : text;
  }
  const changes = parse(readFileSync(join(folder, 'changes.yaml'), 'utf8')) as { replace: string; by: string }[];
  return changes.reduce(
    (text, { replace, by }) => {
      expect(text.split(replace), `${folder}: "${replace}" stands once in the template`).toHaveLength(2);
      return text.replace(replace, () => by);
    },
    readFileSync(join(CASES, 'template.yaml'), 'utf8'),
  );
}

function resultOf(
  folder: string,
  list: EditListName,
  text: string,
): { text: string; diff: string } | { refused: string } {
  const { apply } = EDIT_LISTS.find(({ name }) => name === list) as (typeof EDIT_LISTS)[number];
  const settings = settingsOf(folder);
  try {
    const once = apply(text, settings).text;
    expect(apply(once, settings), 'applied twice, nothing more').toEqual({ text: once, applied: [] });
    return { text: once, diff: createTwoFilesPatch('', '', text, once, '', '', { headerOptions: OMIT_HEADERS }) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { refused: `${error.message}\n` };
  }
}

const folders = readdirSync(CASES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('the edits of a template', () => {
  it.each(folders)('%s', async (name) => {
    const folder = join(CASES, name);
    const steps = readdirSync(folder).flatMap((file) => {
      const [, list, end] = /^\d-([a-z-]+)\.(diff|applied|refused)$/.exec(file) ?? [];
      return list !== undefined && EDIT_LISTS.some((one) => one.name === list)
        ? [{ file, list: list as EditListName, end }]
        : [];
    });
    expect(steps.length).toBeGreaterThan(0);
    let text = templateOf(folder);
    for (const { file, list, end } of steps.sort((a, b) => a.file.localeCompare(b.file))) {
      const result = resultOf(folder, list, text);
      const seen = 'refused' in result ? result.refused : result.diff;
      expect('refused' in result, `${file}: ${seen}`).toBe(end === 'refused');
      if (end !== 'applied') await expect(seen).toMatchFileSnapshot(join('..', folder, file));
      if ('text' in result) text = result.text;
    }
  });
});
