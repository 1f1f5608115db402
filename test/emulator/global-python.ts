import { ensurePythonEnvironment } from './python-environment.ts';

/** Once for the run: two files that find none would make it on top of each other. */
export default function setup(): void {
  ensurePythonEnvironment();
}
