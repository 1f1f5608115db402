import { originalKeys } from '../lambdas/change-stack/artefacts.ts';
import { STACK_PARAMETERS } from './cloud.ts';
import { eventOf } from './events.ts';
import { OLD_IMAGE, relayTemplates } from './relay-template.ts';
import { INITIAL_EVENTS } from './relays.ts';
import { addEvent, digestOf, TABLES } from './rows.ts';
import type { Run } from './run.ts';

/** The name of a cutover that took place before the run began. */
const EARLIER_CUTOVER = 'cutover-of-last-week';

/** Brings the world to where the run begins: a relay serves, on the one store or on the other. */
export async function furnish({ cloud, scenario }: Run): Promise<void> {
  const { cloudFormation, settings, file, postgres, clock, records } = cloud;
  const templates = relayTemplates(settings);
  const { names, stackName } = settings;
  for (let number = 0; number < INITIAL_EVENTS; number += 1) {
    const { id } = eventOf(number);
    addEvent(file.tables, id);
    if (scenario.begins !== 'bare') addEvent(postgres.tables, id);
    records.accepted.push({ id, atSeconds: 0, store: 'sqlite', byHand: false, holder: 'source' });
  }
  if (scenario.begins !== 'bare') {
    const isSwitched = scenario.begins === 'switched';
    const runId = isSwitched ? `${EARLIER_CUTOVER}/0/reconcile-1.0` : 'prepare-of-yesterday/0/load-1.0';
    await recordRun(cloud, runId, isSwitched ? 'reconcile' : 'load');
    if (isSwitched) {
      const { client, close } = postgres.connect();
      await client.query("UPDATE cutover.authority SET holder = 'target', run_id = $1", [runId]);
      close();
    }
  }
  const image =
    scenario.begins === 'switched'
      ? { [names.imageParameter]: `${settings.newImage.split(':')[0]}@sha256:${'c'.repeat(64)}` }
      : {};
  await cloudFormation.deploy(stackName, templates[scenario.begins], { ...STACK_PARAMETERS, ...image });
  if (scenario.begins !== 'switched') return;
  const keys = originalKeys(stackName, EARLIER_CUTOVER);
  cloud.clients.artefacts.set(keys.template, templates.prepared);
  const values = { ...STACK_PARAMETERS, [names.imageParameter]: OLD_IMAGE };
  cloud.clients.artefacts.set(keys.parameters, JSON.stringify(values));
  await clock.sleep(scenario.daysOnTarget * 86_400);
}

async function recordRun({ postgres, file }: Run['cloud'], runId: string, mode: string): Promise<void> {
  const tables = TABLES.map(({ table, kind }) => ({
    table,
    kind,
    ...digestOf(file.tables[table]),
    quarantinedRows: 0,
  }));
  const files = [{ file: 'db', bytes: 4_096, sha256: `version ${file.version}` }];
  const manifest = JSON.stringify({ runId, mode, tables, source: { path: 'db', files }, seconds: {} });
  postgres.createControlSchema();
  const { client, close } = postgres.connect();
  await client.query("INSERT INTO cutover.authority (holder, run_id) VALUES ('source', $1)", [runId]);
  await client.query(
    "INSERT INTO cutover.run (run_id, mode, status, finished_at, manifest) VALUES ($1, $2, 'verified', clock_timestamp(), $3)",
    [runId, mode, manifest],
  );
  close();
}
