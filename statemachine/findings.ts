import type { z } from 'zod';

/** A key or a value may be as long as whatever was given; messages end in histories, which take no more. */
const FINDING_CHARACTERS_MAX = 300;
const FINDINGS_MAX = 50;

/**
 * What a schema found wrong, one phrase each, with the place of each.
 *
 * @param whole how the place is called that is not within the value
 */
export function findingsIn({ issues }: z.ZodError, whole: string): string[] {
  const shown = issues.slice(0, FINDINGS_MAX).map(({ path, message }) => {
    const place = path.map(String).join('.');
    const text = [...(place === '' && whole === '' ? [] : [place || whole]), message].join(': ');
    return text.length <= FINDING_CHARACTERS_MAX ? text : `${text.slice(0, FINDING_CHARACTERS_MAX)}...`;
  });
  const more = issues.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}
