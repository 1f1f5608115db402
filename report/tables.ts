import { jsonObject } from './json-object.ts';
import { masked, type Past, payloadAnswered } from './past.ts';
import type { Report, ReportedTable } from './report-schema.ts';

interface Figures {
  rows: number;
  digest: string;
}

/** What ReadManifest tells of one table (lambdas/read-manifest.ts). */
interface FromManifest extends Figures {
  table: string;
  bytes?: number;
  quarantinedRows?: number;
  quarantinedDigest?: string;
}

/** What VerifyCounts tells of one table, or the Catch beside it. */
interface FromVerification {
  table: string;
  verdict: string;
  source?: Figures;
  target?: Figures;
  quarantined?: Figures;
  findings?: string[];
}

const NOT_VERIFIED = 'not verified';

/** The tables of the newest run of the migrator of one execution, each with its verdict as far as there is one. */
export function tablesOf({ audit: { machine }, visits }: Past): ReportedTable[] {
  let tables = new Map<string, ReportedTable>();
  for (const visit of visits) {
    const manifest = manifestIn(payloadAnswered(visit));
    if (manifest) tables = new Map(manifest.map((one) => [one.table, fromManifest(machine, one)]));
    const verified = visit.map && visit.table !== null ? verificationIn(visit.output) : undefined;
    const known = verified && tables.get(verified.table);
    if (known) tables.set(known.table, { ...known, ...verdictIn(verified) });
  }
  return [...tables.values()];
}

/** Tables that stayed behind because somebody said so, of the newest run that tells of any. */
export function excludedOf(pasts: Past[]): Report['excluded'] {
  const told = pasts.flatMap(({ visits }) =>
    visits.flatMap((visit) => {
      const answer = payloadAnswered(visit);
      return manifestIn(answer) ? [answer?.excluded] : [];
    }),
  );
  const excluded = told.at(-1);
  return (Array.isArray(excluded) ? excluded : []).map(({ table, rows }) => ({
    table: String(table),
    rows: typeof rows === 'number' ? rows : null,
  }));
}

function manifestIn(answer: Record<string, unknown> | undefined): FromManifest[] | undefined {
  return typeof answer?.runId === 'string' && Array.isArray(answer.tables)
    ? (answer.tables as FromManifest[])
    : undefined;
}

function verificationIn(output: string | undefined): FromVerification | undefined {
  const found = jsonObject(output);
  return typeof found?.table === 'string' && typeof found.verdict === 'string'
    ? (found as unknown as FromVerification)
    : undefined;
}

function fromManifest(machine: string, one: FromManifest): ReportedTable {
  const { table, rows, digest, bytes = null, quarantinedRows = 0, quarantinedDigest } = one;
  return {
    ...{ machine, table, bytes },
    verdict: NOT_VERIFIED,
    source: { rows, digest },
    target: null,
    quarantined: quarantinedDigest === undefined ? null : { rows: quarantinedRows, digest: quarantinedDigest },
    findings: [],
  };
}

function verdictIn({ verdict, source, target, quarantined, findings = [] }: FromVerification): Partial<ReportedTable> {
  return {
    verdict,
    ...(source && { source: figures(source) }),
    target: target ? figures(target) : null,
    ...(quarantined && { quarantined: figures(quarantined) }),
    findings: findings.map((finding) => masked(String(finding))),
  };
}

const figures = ({ rows, digest }: Figures): Figures => ({ rows, digest });
