import { expression, type JsonObject } from './asl.ts';

/**
 * The measured write stop stands in the variable `$writeStop`: from when (ISO time, null before it has begun), until when (null
 * while no relay serves), and at which time each of its steps came to its end.
 */
export const NO_WRITE_STOP: JsonObject = { from: null, until: null, steps: [] };

/** The value of `$writeStop` after a look at the stopped relay: while no relay serves, a later look begins no other write stop. */
export const WRITE_STOP_BEGINS = expression(
  `$writeStop.from = null or $writeStop.until != null
    ? {"from": $states.result.Payload.stoppedAt, "until": null, "steps": []}
    : ${ended('"stop of all relays"')}`,
);

/** The value of `$writeStop` when one of its steps has ended. */
export function stepEnded(step: string): string {
  return expression(ended(JSON.stringify(step)));
}

/** The same where the step is a state that failed, of which `$failure` tells. Before the write stop there are no steps. */
export const FAILED_STEP_ENDED = expression(`$writeStop.from = null ? $writeStop : ${ended('$failure.state')}`);

/** The value of `$writeStop` when a relay serves again. */
export const WRITE_STOP_ENDS = expression(`$merge([${ended('"start of the relay"')}, {"until": $now()}])`);

/** Without braces; the brackets keep a list of one step a list. */
function ended(step: string): string {
  return `$merge([$writeStop, {"steps": [$writeStop.steps, {"step": ${step}, "at": $now()}]}])`;
}

/** For the output of an ending: how long the write stop was, in seconds, and each of its steps. Null where there was none. */
export const MEASURED_WRITE_STOP = expression(`(
  $times := [$writeStop.from, $writeStop.steps.at];
  $writeStop.from = null ? null : {
    "from": $writeStop.from,
    "until": $writeStop.until,
    "seconds": ${seconds('$writeStop.from', '$times[-1]')},
    "steps": [$map($writeStop.steps, function($one, $place) {
      {"step": $one.step, "seconds": ${seconds('$times[$place]', '$one.at')}}
    })]
  }
)`);

/**
 * Adds the same in words to what is said, for the cause of an ending that has no output.
 *
 * @param said an expression, like the result without braces
 */
export function andWriteStop(said: string): string {
  // One line, as ASL has it.
  return `(
  $said := ${said};
  $times := [$writeStop.from, $writeStop.steps.at];
  $writeStop.from = null ? $said : $said & ($contains($said, /[.!?]$/) ? " " : ". ") & "The write stop lasted " & $string(${seconds('$writeStop.from', '$times[-1]')}) & " s: "
    & $join([$map($writeStop.steps, function($one, $place) {
      $one.step & " " & $string(${seconds('$times[$place]', '$one.at')}) & " s"
    })], ", ") & "."
)`.replace(/\s+/g, ' ');
}

function seconds(from: string, until: string): string {
  return `$round(($toMillis(${until}) - $toMillis(${from})) / 1000, 1)`;
}
