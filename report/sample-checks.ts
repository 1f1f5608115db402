import { type Past, type PastVisit, payloadAnswered, payloadAsked } from './past.ts';
import type { SampleCheck } from './report-schema.ts';

/** Which events a relay was asked for before it was said to serve, and which of them it gave. */
export function sampleChecksOf({ audit: { machine }, visits }: Past): SampleCheck[] {
  return visits
    .filter((visit) => visit.record.name.startsWith('HealthCheck') && Array.isArray(payloadAsked(visit)?.samples))
    .map((visit) => ({
      at: visit.record.enteredAt,
      machine,
      state: visit.record.name,
      verdict: verdictOf(visit),
      events: eventsOf(visit),
    }));
}

function verdictOf(visit: PastVisit): SampleCheck['verdict'] {
  if (payloadAnswered(visit)) return 'passed';
  return visit.failures.at(-1)?.error === 'HealthCheckFailed' ? 'failed' : 'not answered';
}

/** Which did not come the answer says; where the check failed, the cause names those that it is about. */
function eventsOf(visit: PastVisit): SampleCheck['events'] {
  // A history may be anybody's: what is no sample is told of as one without an id.
  const samples = payloadAsked(visit)?.samples as ({ id?: unknown } | null)[];
  const answer = payloadAnswered(visit);
  const missing = Array.isArray(answer?.missing) ? answer.missing : null;
  const { cause = '' } = visit.failures.at(-1) ?? {};
  const answered = (id: string): boolean | null => {
    if (answer === undefined) return cause.includes(id) ? false : null;
    if (missing !== null) return !missing.includes(id);
    return answer.checked === samples.length ? true : null;
  };
  return samples.map((sample) => {
    const id = String(sample?.id);
    return { id, answered: answered(id) };
  });
}
