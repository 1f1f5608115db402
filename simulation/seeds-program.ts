import { createInterface } from 'node:readline';
import { runAndJudge, scenarioOfSeed } from './seed.ts';

// Failures are what these runs are made of, and nobody reads from where one was thrown: to find that out takes longer than to throw.
Error.stackTraceLimit = 0;

// A process that runs the seeds which it reads, a list of JSON a line, and writes the outcome of each as a line of JSON.
for await (const line of createInterface(process.stdin)) {
  for (const seed of JSON.parse(line) as number[]) {
    const outcome = await runAndJudge(scenarioOfSeed(seed));
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
}
