import { readFileSync } from 'node:fs';
import { type Document, parseDocument } from 'yaml';
import { Refused } from './errors.ts';
import { parseSettings, type Settings } from './settings.ts';

/** Looked for in the working directory where no other file is named. */
export const SETTINGS_FILE = 'cutover.yaml';

/**
 * Reads the settings from a YAML (or JSON) file. Without a path, `cutover.yaml` of the working directory, and the defaults
 * where there is none.
 *
 * @throws Refused when a named file is not there, is no YAML, or holds what the settings do not know
 */
export function readSettings(path?: string): Settings {
  const file = path ?? SETTINGS_FILE;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (path === undefined && code === 'ENOENT') return parseSettings();
    throw new Refused(`The settings file ${file} cannot be read: ${message}. Name a file that is there.`, { cause });
  }
  let raw: unknown;
  try {
    raw = documentOf(text).toJS() ?? {};
  } catch (cause) {
    throw new Refused(`The settings file ${file} is not valid YAML: ${(cause as Error).message}.`, { cause });
  }
  try {
    return parseSettings(raw);
  } catch (cause) {
    throw new Refused(`${file}: ${(cause as Error).message}`, { cause });
  }
}

/** What YAML only warns of, such as a tag that it does not know, is no settings either. */
function documentOf(text: string): Document {
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong) throw wrong;
  return document;
}
