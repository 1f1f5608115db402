import { actsOf } from './acts.ts';
import type { ExecutionAudit } from './execution-audit.ts';
import { reportedExecution } from './executions.ts';
import { pastOf } from './past.ts';
import type { Report } from './report-schema.ts';
import { sampleChecksOf } from './sample-checks.ts';
import { excludedOf, tablesOf } from './tables.ts';
import { templateChangesOf } from './template-changes.ts';
import { throughputOf } from './throughput.ts';
import { verdictOf } from './verdict.ts';
import { writeStopsOf } from './write-stops.ts';

/** What Step Functions does not know. */
export interface ReportExtras {
  /** The migrator's JSON lines, oldest first. */
  migratorLines?: string[];
}

/**
 * Tells what happened in some executions that belong together: the one that is asked for, and what it set off or followed it.
 *
 * @param audits in any order
 * @returns the same for the same audits; no parameter value and no secret is in it, since none is in a history
 */
export function reportOf(audits: ExecutionAudit[], { migratorLines = [] }: ReportExtras = {}): Report {
  const pasts = [...audits].sort((a, b) => a.startedAt.localeCompare(b.startedAt)).map(pastOf);
  const tables = pasts.flatMap(tablesOf);
  const ends = pasts.map(({ audit }) => audit.stoppedAt);
  return {
    formatVersion: 1,
    verdict: verdictOf(pasts),
    startedAt: pasts[0]?.audit.startedAt ?? new Date(0).toISOString(),
    stoppedAt: ends.includes(null) ? null : ([...ends].sort().at(-1) ?? null),
    writeStops: writeStopsOf(pasts),
    tables,
    excluded: excludedOf(pasts),
    executions: pasts.map(reportedExecution),
    acts: pasts.flatMap(actsOf).sort((a, b) => a.at.localeCompare(b.at)),
    throughput: throughputOf(pasts, migratorLines),
    sampleChecks: pasts.flatMap(sampleChecksOf),
    templateChanges: pasts.flatMap(templateChangesOf),
  };
}
