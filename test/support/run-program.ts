import { vi } from 'vitest';
import { createProgram } from '../../cli/program.ts';

/** Runs `relay-cutover` within this process, to its end. */
export async function runProgram(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; output: string; errors: string }> {
  const said = { output: '', errors: '' };
  const listen = (stream: 'stdout' | 'stderr', place: keyof typeof said) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      said[place] += String(text);
      return true;
    });
  const spies = [listen('stdout', 'output'), listen('stderr', 'errors')];
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  try {
    await (await createProgram(args[0])).parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    process.exitCode = undefined;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}
