import { parseSettings } from '../statemachine/settings.ts';
import { placesOf } from './places.ts';
import { runScenario } from './run.ts';
import { pairsOf, scenarioOf } from './scenario.ts';

const settings = parseSettings({ sampleEvents: 4 });
const places = placesOf(settings);
const pairs = pairsOf(places);
console.log(places.length, pairs.length);
const begins = process.argv[2] as any,
  journey = process.argv[3].split(',') as any;
const sc = {
  ...scenarioOf(1, places, pairs),
  begins,
  journey,
  faults: [],
  approve: false,
  redrivesAllDaysLater: false,
};
const r = await runScenario(sc, settings, console.log);
console.log(r.cloud.records.starts, r.cloud.records.stuck, r.cloud.records.accepted.length);
const t = process.cpuUsage();
const n = Number(process.argv[4] ?? 0);
for (let i = 0; i < n; i++) await runScenario(sc, settings);
const u = process.cpuUsage(t);
if (n) console.log('ms a run', (u.user + u.system) / 1000 / n);
