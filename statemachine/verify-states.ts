import { expression, type MapState, type State } from './asl.ts';
import { functionPlaceholder } from './functions.ts';
import { CAUSE, catchAll, failure, RETRY_PASSING_ERRORS } from './tasks.ts';

interface Verification {
  comment: string;
  /** Ends the names of the states inside the Map, since names are unique in the whole machine. */
  suffix: string;
  /** The variable that holds what ReadManifest gave. */
  manifest: string;
  /** The variable that gets the verdicts. */
  verdicts: string;
  concurrency: number;
  timeoutSeconds: number | string;
  onFailure?: string;
  next: string;
}

/**
 * Verifies every table of a manifest. The iterations never fail: a redrive reruns only failed ones and would keep the stale
 * verdicts of the others.
 */
export function verifyMap(verification: Verification): MapState {
  const { comment, suffix, manifest, verdicts, concurrency, timeoutSeconds, onFailure, next } = verification;
  return {
    Type: 'Map',
    Comment: comment,
    Items: `{% $${manifest}.tables[] %}`,
    MaxConcurrency: concurrency,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: `Verify${suffix}`,
      States: {
        [`Verify${suffix}`]: {
          Type: 'Task',
          Comment: 'One table: rows, digest, ids by NIP-01, search, signatures of a sample',
          Resource: 'arn:aws:states:::lambda:invoke',
          Arguments: {
            FunctionName: functionPlaceholder('verify-counts'),
            Payload: '{% $merge([$states.input, {"target": $plan.target}]) %}',
          },
          TimeoutSeconds: timeoutSeconds,
          Retry: RETRY_PASSING_ERRORS,
          Catch: [
            {
              ErrorEquals: ['States.ALL'],
              Output: {
                table: '{% $states.input.table %}',
                verdict: 'unknown',
                findings: [
                  expression(
                    `"could not be verified: " & ($exists($states.errorOutput.Error) ? $states.errorOutput.Error & ": " : "") & ${CAUSE}`,
                  ),
                ],
              },
              Next: `NotVerified${suffix}`,
            },
          ],
          Output: '{% $states.result.Payload %}',
          End: true,
        },
        [`NotVerified${suffix}`]: {
          Type: 'Pass',
          Comment: 'A table without a verdict counts as not verified',
          End: true,
        },
      },
    },
    Assign: { [verdicts]: '{% $states.result[] %}' },
    ...(onFailure !== undefined && { Catch: catchAll(onFailure) }),
    Next: next,
  };
}

/** A condition without braces: there are tables, and every one of them is verified. */
export function allVerified(manifest: string, verdicts: string): string {
  return `$count($${manifest}.tables) > 0 and $count($${verdicts}[verdict = "verified"]) = $count($${manifest}.tables)`;
}

/** How many rows of the source are in quarantine, and not in the target, by the verdicts of its tables. */
export function quarantinedRows(verdicts: string): string {
  return `{% $sum([0, $${verdicts}.quarantined.rows]) %}`;
}

/** Says in a variable which tables differ. */
export function saysWhatDiffers(state: string, verdicts: string, variable: string, next: string): State {
  return {
    Type: 'Pass',
    Comment: 'Say which tables differ',
    Assign: {
      [variable]: failure(
        state,
        'VerificationFailed',
        // A Pass has no Catch, so there is an answer for the case that cannot be.
        expression(`(
          $wrong := $${verdicts}[verdict != "verified"].(table & ": " & $join(findings, "; "));
          $exists($wrong) ? $substring($join($wrong, " | "), 0, 10000) : "there is not one verdict for each table"
        )`),
      ),
    },
    Next: next,
  };
}
