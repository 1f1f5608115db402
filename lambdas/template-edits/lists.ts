import type { Settings } from '../../statemachine/settings.ts';
import { type AddRdsSettings, addRdsEdits } from './add-rds.ts';
import { type AppliedEdits, applyEdits } from './apply.ts';
import { backTemplate, switchTemplate } from './back.ts';
import { removeEfsEdits } from './remove-efs.ts';

export type EditListName = 'add-rds' | 'switch' | 'back' | 'remove-efs';

interface EditList {
  name: EditListName;
  purpose: string;
  /** Throws Refused where one of the edits cannot be applied. */
  apply(text: string, settings: AddRdsSettings & Pick<Settings, 'newImage'>): AppliedEdits;
}

/** Everything that is ever done to the relay's template, in the order in which it is done. */
export const EDIT_LISTS: EditList[] = [
  {
    name: 'add-rds',
    purpose: 'adds the database, its secrets and the tasks of the migrator; the relay stays on SQLite',
    apply: (text, settings) => applyEdits(text, addRdsEdits(settings)),
  },
  {
    name: 'switch',
    purpose: 'makes it the template of the relay on PostgreSQL',
    apply: (text, { names, newImage }) => switchTemplate(text, names, newImage),
  },
  {
    name: 'back',
    purpose: 'undoes the switch, byte for byte',
    apply: (text, { names }) => backTemplate(text, names),
  },
  {
    name: 'remove-efs',
    purpose: "takes SQLite's file system out, after a week of confidence",
    apply: (text, { names }) => applyEdits(text, removeEfsEdits(names)),
  },
];
