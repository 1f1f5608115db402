import { Refused } from '../../statemachine/errors.ts';
import { type AppliedEdits, applyEdits } from './apply.ts';
import { parseTemplate } from './document.ts';
import type { TemplateNames } from './names.ts';
import { edit, servesFromSqlite, setDefault } from './parts.ts';
import { addRecord, applyRecord, readRecord, removeRecord } from './record.ts';
import { switchEdits } from './switch.ts';

const TITLE = 'Put back what the switch took out';

/**
 * Applies the edits of the switch and leaves a record of what they took out.
 *
 * Throws Refused where an edit cannot be applied.
 */
export function switchTemplate(text: string, names: TemplateNames, newImage: string): AppliedEdits {
  const record = readRecord(text);
  const without = removeRecord(text);
  const { text: edited, applied } = applyEdits(without, switchEdits(names, newImage));
  if (applied.length === 0) return { text, applied };
  // Switched before, and now to another image: what came before the first switch is what `back` has to bring.
  const original = record === undefined ? without : (undone(without, names, record) ?? without);
  return { text: addRecord(original, edited, newImage), applied };
}

/**
 * Undoes the switch from the template alone, by the record that it left: byte for byte, and what a person has changed elsewhere
 * since then stays.
 *
 * Throws Refused where there is no record, or where the very places have been changed.
 */
export function backTemplate(text: string, names: TemplateNames): AppliedEdits {
  const record = readRecord(text);
  if (record === undefined) {
    if (servesFromSqlite(parseTemplate(text), names)) return { text, applied: [] };
    throw new Refused(
      `"${TITLE}" (runbook Rollback) cannot be applied: the template is switched, and it has no record of what the switch took out (Metadata.RelayCutover). Expected one that \`switch\` has edited. Deploy the original that the cutover kept in the artefact bucket.`,
    );
  }
  const result = undone(removeRecord(text), names, record);
  if (result === undefined) {
    throw new Refused(
      `"${TITLE}" (runbook Rollback) cannot be applied: the places that the switch edited have been changed since. Expected the lines that it left there. Undo the later change first, or deploy the original that the cutover kept in the artefact bucket.`,
    );
  }
  return { text: result, applied: [TITLE] };
}

/** Undefined unless the switch, applied to the result, gives the very text again. */
function undone(switched: string, names: TemplateNames, record: { image: string; back: string }): string | undefined {
  // The relay's image goes on changing after the switch.
  const asSwitched = edit(TITLE, 'Rollback', (template) =>
    setDefault(template, names.imageParameter, record.image),
  ).apply(switched);
  const before = applyRecord(asSwitched, record);
  if (before === undefined) return undefined;
  try {
    return applyEdits(before, switchEdits(names, record.image)).text === asSwitched ? before : undefined;
  } catch {
    return undefined;
  }
}
