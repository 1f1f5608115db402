import { type Names, parseSettings } from '../../statemachine/settings.ts';

/** The logical names, and the names inside them, that the edits and the change sets of the relay's template work on. */
export type TemplateNames = Pick<
  Names,
  | 'imageParameter'
  | 'desiredCountParameter'
  | 'taskDefinition'
  | 'service'
  | 'container'
  | 'databaseUrlSecret'
  | 'databaseUrlVariable'
  | 'dataVariable'
  | 'volume'
  | 'mountTargets'
>;

export const defaultTemplateNames: Names = parseSettings().names;
