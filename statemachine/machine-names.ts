/** The state machines in the order in which a relay goes through them; `restore` is started by a rule. */
export const MACHINE_NAMES = ['prepare', 'cutover', 'restore', 'rollback', 'finalize'] as const;

export type MachineName = (typeof MACHINE_NAMES)[number];
