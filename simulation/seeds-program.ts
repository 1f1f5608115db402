import { runAndJudge, scenarioOfSeed } from './seed.ts';

/**
 * A process that runs some seeds, and writes the outcome of each as a line of JSON: `<first> <step> <last>`.
 */
const [first = 1, step = 1, last = 1] = process.argv.slice(2).map(Number);

for (let seed = first; seed <= last; seed += step) {
  const outcome = await runAndJudge(scenarioOfSeed(seed));
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
