import { Refused } from '../../statemachine/errors.ts';
import { parseTemplate } from './document.ts';
import { danglingReferences } from './references.ts';
import type { EditName } from './splice.ts';

/** One change of a template's text; every line that it does not name stays byte for byte. */
export interface TemplateEdit extends EditName {
  /** Returns the edited text, or the same text where the edit is already in it. Throws Refused where it cannot be applied. */
  apply(text: string): string;
}

/** An edited text, and the titles of the edits that changed something. */
export interface AppliedEdits {
  text: string;
  applied: string[];
}

/**
 * Applies the edits in order and proves each result: it parses, a second application changes nothing, and nothing is
 * referred to that is no longer there.
 * Throws Refused, naming the edit, with nothing half done.
 */
export function applyEdits(text: string, edits: TemplateEdit[]): AppliedEdits {
  const danglingBefore = new Set(danglingReferences(parseTemplate(text).model));
  const applied: string[] = [];
  let current = text;
  for (const edit of edits) {
    const next = edit.apply(current);
    if (next === current) continue;
    proveResult(edit, next, danglingBefore);
    applied.push(edit.title);
    current = next;
  }
  return { text: current, applied };
}

function proveResult(edit: TemplateEdit, text: string, danglingBefore: Set<string>): void {
  const dangling = danglingReferences(parseTemplate(text).model).filter((reference) => !danglingBefore.has(reference));
  if (dangling.length > 0) {
    throw new Refused(
      `"${edit.title}" (runbook ${edit.runbook}) would leave references to nothing: ${dangling.join(', ')}. Expected every name to stand in the template. Make the edit by hand, deploy it, and start again.`,
    );
  }
  if (edit.apply(text) !== text) {
    throw new Refused(
      `"${edit.title}" (runbook ${edit.runbook}) does not come to rest: applied to its own result it changes it again. Expected one application to be enough. Make the edit by hand, deploy it, and start again.`,
    );
  }
}
