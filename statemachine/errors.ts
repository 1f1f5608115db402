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

/** A task of the relay runs or ran, or somebody else changed the stack: what was copied may be stale. */
export class NotQuiet extends Error {
  override name = 'NotQuiet';
}

/** The migrator did not say of its run that it is verified. */
export class MigrationFailed extends Error {
  override name = 'MigrationFailed';
}

/** The migrator was interrupted or could not go on, and the same run may succeed when it is made again. */
export class MigrationInterrupted extends Error {
  override name = 'MigrationInterrupted';
}

/** Another execution holds the lock, or has taken over from this one: this one may not change anything (more). */
export class LockHeld extends Error {
  override name = 'LockHeld';
}

/** An execution stands still until an operator has redriven it. */
export class HeldForOperator extends Error {
  override name = 'HeldForOperator';
}

/** The write stop would become longer than it may be. */
export class DeadlineExceeded extends Error {
  override name = 'DeadlineExceeded';
}
