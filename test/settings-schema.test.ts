import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSettings, settingsJsonSchema } from '../statemachine/settings.ts';
import { readSettings } from '../statemachine/settings-file.ts';

const SCHEMA = 'docs/cutover.schema.json';
const EXAMPLE = 'cutover.example.yaml';
const schema = JSON.parse(readFileSync(SCHEMA, 'utf8'));
const example = readFileSync(EXAMPLE, 'utf8');

describe('the published schema of the settings', () => {
  it('is the one that the settings make (npm run docs writes it)', () => {
    expect(schema).toEqual(settingsJsonSchema());
  });

  it('knows every setting with its default, and says what one means', () => {
    const { notificationEmail, ...defaults } = parseSettings({ notificationEmail: 'operator@example.org' });
    expect(Object.keys(schema.properties).sort()).toEqual([...Object.keys(defaults), 'notificationEmail'].sort());
    for (const [name, value] of Object.entries(defaults)) {
      if (typeof value !== 'object') expect(schema.properties[name].default, name).toBe(value);
    }
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.confidenceDays.description).toBe(
      'How long the relay has to have served from PostgreSQL before its SQLite file may go.',
    );
  });
});

describe('the example of a settings file', () => {
  it('names its schema to the editor', () => {
    expect(example.split('\n')[0]).toBe(`# yaml-language-server: $schema=${SCHEMA}`);
  });

  it('passes the parser', () => {
    expect(readSettings(EXAMPLE)).toEqual({
      ...parseSettings(),
      notificationEmail: 'operator@example.org',
      migrationTask: { ...parseSettings().migrationTask, ephemeralStorageGibibytes: 40 },
    });
  });

  it('shows every setting, and as a comment each with its default', () => {
    // Prose has a space after the "#", a setting has not.
    const whole = parse(example.replace(/^#(?=( {2})?\w)/gm, ''));
    expect(Object.keys(whole).sort()).toEqual(Object.keys(schema.properties).sort());
    expect(parseSettings(whole)).toEqual(readSettings(EXAMPLE));
  });
});
