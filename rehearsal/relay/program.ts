import { bundledProgram } from '../bundled-program.ts';
import type { StoreKind } from './settings.ts';

/**
 * The command that starts the stand-in relay from any working directory. It takes its settings from the environment,
 * prints `listening on <port>` once it serves, and exits with 2 when a setting is missing or wrong.
 */
export function relayProgram(store: StoreKind): { command: string; args: string[] } {
  return {
    command: process.execPath,
    args: [bundledProgram(new URL('main.ts', import.meta.url)), '--store', store],
  };
}
