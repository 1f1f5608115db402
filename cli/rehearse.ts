import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { printable } from '../migrator/printable.ts';
import type { Stage } from '../rehearsal/stage.ts';
import type { RunRecord } from '../report/run-record.ts';
import { parseSettings } from '../statemachine/settings.ts';
import { sayFailure } from './failure.ts';
import { createLiveView } from './live-view.ts';
import { closingLines } from './rehearsal-closing.ts';
import { addRehearsalOptions, REHEARSE_NOTES, type RehearseArguments, rehearsalOptions } from './rehearsal-options.ts';

/** In the cloud people get half a day; here nobody wants to wait for an answer that comes too late. */
const APPROVAL_SECONDS = 300;

export function rehearseCommand(): Command {
  const command = new Command('rehearse')
    .summary('run a whole cutover on this machine, without AWS')
    .description(
      'Runs a whole cutover on this machine: the state machines themselves, real PostgreSQL, a relay that speaks NIP-01 over WebSocket, a client that publishes to it all the time, and the migrator. Only AWS is stood in for. Without options it takes the data of a real relay that comes along.',
    );
  return addRehearsalOptions(command)
    .addHelpText('after', REHEARSE_NOTES)
    .action(async (given: RehearseArguments) => {
      process.exitCode = await perform(given);
    });
}

async function perform(given: RehearseArguments): Promise<number> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const interrupted = new AbortController();
  let signalCode = 0;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      // The second time somebody does not want to wait for the orderly way out.
      if (interrupted.signal.aborted) process.exit(code);
      signalCode = code;
      interrupted.abort(new Error('Interrupted; everything that was started is being ended.'));
    });
  }
  try {
    // The SDK warns of Node 20 on every start. Here it only shapes requests to the local AWS; the functions run on Node 24.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
    // Loaded on demand: the migrator is started through the same program and needs none of it.
    const { rehearse } = await import('../rehearsal/rehearse.ts');
    const { howToConnect } = await import('../rehearsal/keep.ts');
    const { RehearsalListener } = await import('./rehearsal-report.ts');
    const settings = parseSettings({
      ...(given.approval !== undefined && { approvalTimeoutSeconds: APPROVAL_SECONDS }),
      ...(given.quarantine && { quarantine: true }),
      ...(given.exclude && { excludeTables: given.exclude }),
      ...(given.generic && { genericTables: given.generic }),
    });
    const asked = rehearsalOptions(given);
    const view = createLiveView(process.stdout, process.env, {
      beginning: 'begins; times are as in the cloud, waits included',
    });
    const listener = new RehearsalListener();
    const close = async (record: RunRecord, stage: Stage): Promise<void> => {
      view.end();
      for (const line of closingLines(record, view.colors)) write(line);
      if (given.json) await writeFile(given.json, `${JSON.stringify(record, null, 2)}\n`);
      if (given.report === undefined) return;
      await listener.write(given.report, stage);
      write(`The report is in ${printable(given.report)}`);
    };
    const record = await rehearse(
      { settings, ...asked, signal: interrupted.signal, observer: listener.beside(view) },
      async (judged, stage) => {
        await close(judged, stage);
        if (!given.keep) return;
        for (const line of await howToConnect(stage)) write(line);
        await new Promise<void>((resolve) =>
          interrupted.signal.addEventListener('abort', () => resolve(), { once: true }),
        );
      },
    ).finally(view.end);
    return record.exitCode;
  } catch (error) {
    const failureCode = sayFailure(error);
    return signalCode || failureCode;
  }
}
