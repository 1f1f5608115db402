/**
 * The errors that a Retry, a Catch or an exit code tells apart. `name` is a string literal, because ASL's ErrorEquals
 * matches it and bundlers rename classes.
 */

/** Bad input or a state of the world that a repetition does not cure. The message says what was seen, what was expected and what to do. */
export class Refused extends Error {
  override name = 'Refused';
}

/** Not there yet: a Retry asks again until its attempts are used up. */
export class NotYet extends Error {
  override name = 'NotYet';
}
