import { describe, expect, it } from 'vitest';
import { shownLines, wholeOriginal } from '../../lambdas/change-stack/shown-lines.ts';
import { backTemplate, switchTemplate } from '../../lambdas/template-edits/back.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { preparedTemplate } from '../support/prepared-template.ts';

const { names, newImage } = parseSettings();
/** Beside a line that the switch takes out. */
const SECRET = 'hunter2';
const before = preparedTemplate.replace(
  /^( *)- Name: DATA$/m,
  `$1- Name: RELAY_PASSWORD\n$1  Value: ${SECRET}\n$1- Name: DATA`,
);
const after = switchTemplate(before, names, newImage).text;

describe('the lines that the history shows of a change', () => {
  it('are the changed ones alone, as before an approval, and not those beside them, which may hold a secret', () => {
    expect(before).toContain(SECRET);
    // The record in the template has three lines around each change.
    expect(after.split(SECRET)).toHaveLength(3);
    const { diff, note } = shownLines(before, after);
    expect(note).toBeUndefined();
    expect(diff?.filter((line) => !/^(@@ line \d+|[-+].*)$/.test(line))).toEqual([]);
    expect(diff).toContain('-            - Name: DATA');
    expect(diff?.join('\n')).toMatch(/^\+ +- Name: DATABASE_URL$/m);
    expect(diff?.join('\n')).not.toContain(SECRET);
  });

  it('are as many for the way back', () => {
    const { diff } = shownLines(after, backTemplate(after, names).text);
    expect(diff).toContain('+            - Name: DATA');
    expect(diff?.join('\n')).not.toContain(SECRET);
  });

  it('are none where the text stays', () => {
    expect(shownLines(before, before)).toEqual({ diff: [] });
  });

  it('of a JSON template in one line are its pieces, and not all of it', () => {
    const text = (count: string) =>
      JSON.stringify({ Parameters: { Count: { Default: count } }, Resources: { A: { Password: SECRET } } });
    const { diff } = shownLines(text('0'), text('1'));
    expect(diff).toEqual(['@@ line 4', '-"Default":"0"}},', '+"Default":"1"}},']);
  });

  it('are cut at 12 KiB, and say so; a URL loses its password', () => {
    const resources = 'Resources:\n  A:\n    Type: AWS::ECS::Cluster\n';
    const lines = Array.from({ length: 1_000 }, (_, place) => `# postgres://relay:${SECRET}@db/${place}`);
    const { diff, note } = shownLines(resources, `${resources}${lines.join('\n')}\n`);
    expect(Buffer.byteLength(diff?.join('\n') ?? '')).toBeLessThanOrEqual(12 * 1024);
    expect(diff?.[1]).toBe('+# postgres://****@db/0');
    expect(note).toBe(`Cut here: ${1_001 - (diff?.length ?? 0)} more lines change, which the change set itself has.`);
  });

  it('are not shown where the original goes back whole', () => {
    expect(wholeOriginal('relay/one/original-template.yaml')).toEqual({
      note: 'The template goes back whole to what was kept as relay/one/original-template.yaml; its lines are not shown here.',
    });
  });
});
