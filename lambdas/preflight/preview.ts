import type { TaskDefinition } from '@aws-sdk/client-ecs';
import { structuredPatch } from 'diff';
import type { Names } from '../../statemachine/settings.ts';
import { type AppliedEdits, applyEdits, type TemplateEdit } from '../template-edits/apply.ts';
import { toLines } from '../template-edits/record.ts';

/** What a change set will do to the template. */
export interface TemplatePreview {
  /** Titles of the edits that change something, in their order. */
  edits: string[];
  /**
   * Changed lines alone, each with `-` or `+` before it, and `@@ line` before each group. Lines beside them are left out: a
   * template may hold secrets in plain text.
   */
  lines: string[];
}

/** What some edits do to a template, or why they cannot be applied. */
export type Editing = { preview: TemplatePreview; text: string } | { refusal: string };

/** @param edits makes the list, which may be refused for its own part */
export function editing(template: string, edits: () => TemplateEdit[]): Editing {
  return editingBy(template, () => applyEdits(template, edits()));
}

/** @param edit makes the edited text, or is refused */
export function editingBy(template: string, edit: () => AppliedEdits): Editing {
  try {
    const { text, applied } = edit();
    return { preview: previewOf(template, text, applied), text };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

function previewOf(template: string, text: string, applied: string[]): TemplatePreview {
  return { edits: applied, lines: changedLines(template, text) };
}

/** The form of `TemplatePreview.lines`. */
export function changedLines(template: string, text: string): string[] {
  const { hunks } = structuredPatch('', '', toLines(template), toLines(text), '', '', { context: 0 });
  return hunks.flatMap(({ oldStart, lines: changed }) => [
    `@@ line ${oldStart}`,
    ...changed.filter((line) => /^[-+]/.test(line)).map((line) => line.trimEnd()),
  ]);
}

/** Source: ECS API reference, ContainerDefinition: `stopTimeout` on Fargate. */
const STOP_TIMEOUT_SECONDS_DEFAULT = 30;

/** The longest time from the request to stop until the relay has stopped; clients may write until then. */
export function drainSecondsMax(relayTask: TaskDefinition, names: Names, deregistrationDelaySeconds: number): number {
  const container = relayTask.containerDefinitions?.find(({ name }) => name === names.container);
  return deregistrationDelaySeconds + (container?.stopTimeout ?? STOP_TIMEOUT_SECONDS_DEFAULT);
}
