import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSmallRelay } from '../support/small-relay.ts';
import { walk } from './walk.ts';

describe.concurrent('every state of every machine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chaos-'));
  const sourceDirectory = join(directory, 'data');
  beforeAll(() => makeSmallRelay(sourceDirectory));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    ['database', 'before'],
    ['database', 'during'],
    ['database', 'after'],
    ['migrator', 'before'],
    ['migrator', 'during'],
    ['migrator', 'after'],
  ] as const)('may have its %s killed %s it', async (victim, when) => {
    const walked = await walk(victim, when, sourceDirectory);
    console.log(walked);
    expect(walked.killed.size).toBeGreaterThan(0);
  });
});
