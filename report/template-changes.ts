import { masked, messageOf, type Past, type PastVisit, payloadAnswered, payloadAsked } from './past.ts';
import type { TemplateChange } from './report-schema.ts';

/** Every change set that an execution proposed, and what became of it (lambdas/change-stack/). */
export function templateChangesOf({ audit: { machine }, visits }: Past): TemplateChange[] {
  return visits.flatMap((visit, place) => {
    const proposed = payloadAnswered(visit);
    const { action, purpose } = payloadAsked(visit) ?? {};
    if (action !== 'propose' || typeof proposed?.changeSet !== 'string') return [];
    const about = visits.slice(place + 1).filter((later) => payloadAsked(later)?.changeSet === proposed.changeSet);
    const step = (name: string): PastVisit | undefined => about.find((one) => payloadAsked(one)?.action === name);
    const inspection = step('inspect');
    const { note } = proposed;
    return [
      {
        at: visit.record.enteredAt,
        machine,
        purpose: String(purpose),
        edits: texts(proposed.edits) ?? [],
        diff: texts(proposed.diff)?.map(masked) ?? null,
        note: refusalOf(inspection) ?? (typeof note === 'string' ? note : null),
        outcome: outcomeOf(inspection, step('await')),
        resources: resourcesIn(inspection && payloadAnswered(inspection)),
      },
    ];
  });
}

function outcomeOf(inspection: PastVisit | undefined, awaited: PastVisit | undefined): TemplateChange['outcome'] {
  if (inspection?.record.error) return 'refused';
  if (inspection && payloadAnswered(inspection)?.outcome === 'empty') return 'empty';
  if (awaited?.record.error) return 'failed';
  return awaited && payloadAnswered(awaited) ? 'executed' : 'proposed';
}

function refusalOf(inspection: PastVisit | undefined): string | undefined {
  return inspection?.record.error ? messageOf(inspection.failures.at(-1)?.cause ?? '') : undefined;
}

function resourcesIn(answer: Record<string, unknown> | undefined): TemplateChange['resources'] {
  const changes = Array.isArray(answer?.changes) ? (answer.changes as Record<string, unknown>[]) : [];
  return changes.map(({ logicalId, action, replacement, properties }) => ({
    logicalId: String(logicalId),
    action: String(action),
    replacement: String(replacement),
    properties: texts(properties) ?? [],
  }));
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}
