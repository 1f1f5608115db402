/** Two endings of a stack change that are not tried again. `name` is a literal, since ASL's ErrorEquals matches it. */

/** The stack has changed since the change set was made, or the change set is gone: begin again with a new one. */
export class ChangeSetObsolete extends Error {
  override name = 'ChangeSetObsolete';
}

/** CloudFormation could not finish the update; the message names the first resource that failed and its reason. */
export class StackUpdateFailed extends Error {
  override name = 'StackUpdateFailed';
}
