/** Names of the databases that the tests of this file have made and not dropped; its own module, as vitest loads drop-databases.ts anew for each file. */
export const madeDatabases = new Set<string>();
