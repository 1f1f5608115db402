import { EventEmitter } from 'node:events';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { openLiveTerminal } from '../../cli/live-terminal.ts';
import { CTRL_C, inTerminal, pythonIsMissing, SPINNER } from '../support/in-terminal.ts';
import { Screen } from '../support/screen.ts';

/** A terminal of that many columns. */
function terminal(columns: number) {
  const screen = new Screen(columns);
  const stream = Object.assign(new EventEmitter(), {
    isTTY: true,
    columns,
    rows: 24,
    write: (text: string) => screen.write(text.replaceAll('\n', '\r\n')),
  });
  return {
    screen,
    stream: stream as unknown as WriteStream,
    narrow: (to: number) => {
      screen.narrow(to);
      stream.columns = to;
      stream.emit('resize');
    },
  };
}

describe('the live terminal', () => {
  it('keeps the block below the lines that are printed, and erases it at the end', () => {
    const { screen, stream } = terminal(40);
    let block = ['one', 'two'];
    const live = openLiveTerminal(stream, () => block);
    expect([screen.text, screen.cursorVisible]).toEqual(['one\ntwo\n', false]);
    live.print(['first']);
    expect(screen.text).toBe('first\none\ntwo\n');
    block = ['one'];
    live.print(['second', 'third']);
    expect(screen.text.trimEnd()).toBe('first\nsecond\nthird\none');
    block = [];
    live.print(['fourth']);
    expect(screen.text.trimEnd()).toBe('first\nsecond\nthird\nfourth');
    // The terminal writes what is typed where the cursor stands.
    screen.write('^C');
    block = ['four', 'new', 'lines', 'here'];
    live.print([]);
    live.print(['fifth']);
    screen.write('^C');
    live.end();
    live.print(['after the end']);
    live.end();
    expect([screen.text.trimEnd(), screen.cursorVisible]).toEqual([
      'first\nsecond\nthird\nfourth\nfifth\nafter the end',
      true,
    ]);
  });

  it('leaves no part of the block behind when the terminal becomes narrower', () => {
    const { screen, stream, narrow } = terminal(60);
    const live = openLiveTerminal(stream, (columns) => ['x'.repeat(columns), 'short', 'y'.repeat(columns)]);
    live.print(['a line that is printed and has to stay, though it is broken']);
    narrow(25);
    expect(screen.text.trimEnd()).toBe(
      [
        'a line that is printed an',
        'd has to stay, though it',
        'is broken',
        'x'.repeat(24),
        'short',
        'y'.repeat(24),
      ].join('\n'),
    );
    live.end();
    expect(screen.text.trimEnd()).toBe('a line that is printed an\nd has to stay, though it\nis broken');
  });

  it('leaves place for what has scrolled in a low terminal', () => {
    const { screen, stream } = terminal(40);
    stream.rows = 5;
    const live = openLiveTerminal(stream, () => ['1', '2', '3', '4', '5', '6']);
    expect(screen.text).toBe('4\n5\n6\n');
    live.end();
  });

  it('takes its listeners away at the end', () => {
    const { stream } = terminal(40);
    const before = ['exit', 'uncaughtExceptionMonitor'].map((name) => process.listenerCount(name));
    openLiveTerminal(stream, () => []).end();
    expect(stream.listenerCount('resize')).toBe(0);
    expect(['exit', 'uncaughtExceptionMonitor'].map((name) => process.listenerCount(name))).toEqual(before);
  });
});

describe.skipIf(pythonIsMissing)('relay-cutover rehearse in a terminal (needs python3 with its module pty)', () => {
  it('shows what goes on while it goes on, and leaves only lines behind', async () => {
    const { code, output, screen } = await inTerminal(['rehearse', '--speed', '60', '--fault', 'mismatch'], {
      columns: 160,
    });
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`${SPINNER.source} Preparing +\\d`));
    expect(output).toMatch(new RegExp(`${SPINNER.source} HealthCheckOldRelay +\\d`));
    expect(output).toMatch(/asked \d+ times/);
    expect(output).toMatch(/Write stop \d+:\d\d/);
    expect(screen.cursorVisible).toBe(true);
    expect(screen.text).not.toMatch(SPINNER);
    expect(screen.text).not.toMatch(/Write stop \d+:\d\d/);
    const lines = screen.text.trimEnd().split('\n');
    expect(lines.filter((line) => line === '')).toEqual([]);
    expect(lines[0]).toMatch(/^- PostgreSQL: an embedded PostgreSQL 16 at /);
    expect(
      lines.filter((line) => /^ {2}[✔✘] HealthCheckOldRelay {30} +\d+\.\d s {2}asked \d+ times$/.test(line)),
    ).toHaveLength(1);
    expect(lines.find((line) => line.startsWith('RolledBack: '))).toBeDefined();
  });

  it('gives the terminal back after Ctrl-C', async () => {
    const { code, output, screen } = await inTerminal(['rehearse'], { columns: 50, typed: [['ScaleDown', CTRL_C]] });
    expect(code).toBe(130);
    expect(output).toMatch(SPINNER);
    expect(screen.cursorVisible).toBe(true);
    expect(screen.text).not.toMatch(SPINNER);
    expect(screen.text).not.toContain('^C');
    expect(screen.text.split('\n').slice(-3)).toEqual([
      'Failed: Interrupted; everything that was started i',
      's being ended.',
      '',
    ]);
  });
});
