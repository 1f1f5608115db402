import pc from 'picocolors';
import { printableJson } from '../migrator/printable.ts';
import { LiveModel } from '../report/live-state.ts';
import type { LiveView } from './live-view.ts';

/** Shows executions to a program: one JSON object a line for everything that has happened. */
export function createJsonView(write: (line: string) => void): LiveView {
  const model = new LiveModel(() => performance.now(), Date.now);
  const say = (event: string, data: object): void => write(printableJson({ event, ...data }));
  return {
    colors: pc.createColors(false),
    step: (text) => say('message', { text }),
    log(container, line) {
      const word = model.log(container, line);
      if (word) say('migrator', word);
    },
    event(event, machine) {
      for (const { kind, ...announcement } of model.event(event, machine)) {
        say(kind, { machine, at: event.timestamp?.toISOString() ?? null, ...announcement });
      }
    },
    end: () => {},
  };
}
