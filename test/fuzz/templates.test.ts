import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseDocument, visit } from 'yaml';
import { allowedChanges, guardChanges } from '../../lambdas/change-set-guard.ts';
import { shownLines } from '../../lambdas/change-stack/shown-lines.ts';
import { EDIT_LISTS } from '../../lambdas/template-edits/lists.ts';
import { Refused } from '../../statemachine/errors.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { assertClear, cases, deepList, hostileJson, hostileText } from '../support/fuzz.ts';

const TEMPLATE = readFileSync('test/template-cases/template.yaml', 'utf8');
const settings = parseSettings();
const tried = { templates: 0, applied: 0, refused: 0, changes: 0 };

/** Every list in order, each on what the one before it left; what refuses says so, and gives no text. */
function editAll(text: string): string[] {
  tried.templates += 1;
  const results: string[] = [];
  for (const { apply } of EDIT_LISTS) {
    const current = results.at(-1) ?? text;
    try {
      results.push(apply(current, settings).text);
      tried.applied += 1;
    } catch (error) {
      tried.refused += 1;
      assertClear(error, 20_000);
      expect(error).toBeInstanceOf(Refused);
    }
  }
  return results;
}

/** How many nodes the template has, one of which gets another value. */
const nodes = ((): number => {
  let count = 0;
  visit(parseDocument(TEMPLATE, { logLevel: 'silent' }), {
    Node() {
      count += 1;
    },
  });
  return count;
})();

/** The template with a value of anything in the place of its n-th node. */
function withNode(place: number, value: unknown): string {
  const document = parseDocument(TEMPLATE, { logLevel: 'silent' });
  let count = 0;
  visit(document, {
    Node(key) {
      count += 1;
      if (count - 1 !== place || key === null) return undefined;
      return document.createNode(value) as never;
    },
  });
  return document.toString();
}

describe('the edits of a template', () => {
  it('apply or refuse, whatever stands in the place of anything', () => {
    const property = fc.property(fc.nat(nodes - 1), hostileJson, (place, value) => {
      let text: string;
      try {
        text = withNode(place, value);
      } catch {
        return;
      }
      for (const result of editAll(text)) expect(() => parseDocument(result).toJS()).not.toThrow();
    });
    fc.assert(property, { ...cases(4), endOnFailure: true });
  });

  it('apply or refuse, whatever is cut out of the text or put into it', () => {
    const property = fc.property(fc.nat(TEMPLATE.length), fc.nat(40), hostileText, (from, length, text) => {
      editAll(TEMPLATE.slice(0, from) + text + TEMPLATE.slice(from + length));
    });
    fc.assert(property, { ...cases(4), endOnFailure: true });
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['a list', '[]'],
    ['a text', 'text'],
    ['lists in lists', deepList(10_000)],
    [
      'a billion laughs',
      Array.from({ length: 30 }, (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}]`).join('\n'),
    ],
    ['no resources', 'Resources: null'],
    ['resources that are a list', 'Resources: [1]'],
    ['a prototype', '{"__proto__": {"Type": "x"}, "Resources": {"__proto__": {"Type": "AWS::ECS::Service"}}}'],
    ['a resource within itself', 'Resources: &a {Own: *a}'],
    ['two documents', `${TEMPLATE}\n---\na: 1`],
    ['every key twice', TEMPLATE + TEMPLATE],
  ])('refuse a template of %s', (_, text) => {
    expect(editAll(text)).toEqual([]);
  });

  it('are not undone by a record that somebody has been at', () => {
    const switched = editAll(TEMPLATE)[1] ?? '';
    const document = parseDocument(switched, { logLevel: 'silent' });
    document.setIn(['Metadata', 'RelayCutover', 'Back'], '@@ -1 +1 @@\n\u009b31m');
    expect(document.hasIn(['Metadata', 'RelayCutover', 'Image'])).toBe(true);
    const back = EDIT_LISTS.find(({ name }) => name === 'back') as (typeof EDIT_LISTS)[number];
    expect(() => back.apply(document.toString(), settings)).toThrow(
      /the places that the switch edited have been changed/,
    );
  });

  it('keep what means something to CloudFormation and is not theirs, byte for byte', () => {
    const property = fc.property(hostileText, (text) => {
      const line = `  Remark: ${JSON.stringify(text)}\n`;
      const marked = TEMPLATE.replace(/^Resources:\n/m, () => `Metadata:\n${line}Resources:\n`);
      for (const result of editAll(marked)) {
        expect(result).toContain(line);
        expect(parse(result, { logLevel: 'silent' }).Metadata.Remark).toBe(
          parse(marked, { logLevel: 'silent' }).Metadata.Remark,
        );
      }
    });
    fc.assert(property, { ...cases(2), endOnFailure: true });
  });

  it('are shown in lines, however odd the texts are', () => {
    const withRemark = (text: string): string => `# ${text.replaceAll('\n', ' ')}\n${TEMPLATE}`;
    const property = fc.property(hostileText, hostileText, (before, after) => {
      let lines: string[];
      try {
        lines = shownLines(withRemark(before), withRemark(after)).diff ?? [];
      } catch (error) {
        // A character that YAML does not have.
        assertClear(error);
        return;
      }
      expect(lines.filter((line) => line.includes('\n'))).toEqual([]);
    });
    fc.assert(property, { ...cases(5), endOnFailure: true });
  });
});

describe('the guard of a change set', () => {
  const PURPOSES = ['prepare', 'hold-at-zero', 'switch'] as const;
  const names = Object.values(settings.names).flat();
  const detail = fc.record(
    {
      Target: fc.record(
        {
          Attribute: fc.constantFrom('Properties', 'Tags', 'DeletionPolicy', ''),
          Name: hostileText,
          RequiresRecreation: fc.constantFrom('Never', 'Always', 'Conditionally', '?'),
        },
        { requiredKeys: [] },
      ),
      Evaluation: fc.constantFrom('Static', 'Dynamic', '?'),
      ChangeSource: fc.constantFrom('ResourceReference', 'DirectModification', '?'),
      CausingEntity: hostileText,
    },
    { requiredKeys: [] },
  );
  const change = fc.record(
    {
      Type: fc.constantFrom('Resource', 'Hook', 'Unheard'),
      ResourceChange: fc.record(
        {
          Action: fc.constantFrom('Add', 'Modify', 'Remove', 'Import', 'Dynamic', 'SyncWithActual', 'Unheard'),
          LogicalResourceId: fc.oneof(fc.constantFrom(...names), hostileText),
          ResourceType: fc.oneof(
            fc.constantFrom('AWS::RDS::DBInstance', 'AWS::ECS::Service', 'AWS::IAM::Role'),
            hostileText,
          ),
          Replacement: fc.constantFrom('True', 'False', 'Conditional', '?'),
          Scope: fc.array(hostileText, { maxLength: 2 }),
          Details: fc.array(detail, { maxLength: 3 }),
          PolicyAction: fc.constantFrom('Delete', 'Retain', 'Snapshot', 'ReplaceAndDelete', '?'),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );

  it('lets nothing of what it does not know through', () => {
    const property = fc.property(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...PURPOSES),
      (changes, purpose) => {
        tried.changes += changes.length;
        const allowed = allowedChanges(purpose, settings.names);
        const refusals = guardChanges(changes as never, allowed);
        for (const one of changes) {
          const { Action, LogicalResourceId = '', ResourceType, Replacement } = one.ResourceChange ?? {};
          const isKnown = allowed.some(({ logicalId, action }) => logicalId === LogicalResourceId && action === Action);
          const endsData =
            ResourceType === 'AWS::RDS::DBInstance' &&
            (Action === 'Remove' || (Action === 'Modify' && Replacement !== 'False'));
          if (!isKnown || endsData) expect(refusals.length).toBeGreaterThan(0);
        }
      },
    );
    fc.assert(property, cases(400));
  });
});

afterAll(() => console.log(`fuzz: ${JSON.stringify(tried)}`));
