/** Figures as people read them. */

export const count = (value: number): string => value.toLocaleString('en-US');

/** `things(1, 'table')` is "1 table". */
export const things = (value: number, thing: string): string => `${count(value)} ${thing}${value === 1 ? '' : 's'}`;

/** Between a figure and its unit no line is broken. */
export function duration(seconds: number): string {
  if (seconds < 0.05) return '0\u00a0s';
  if (seconds < 60) return `${Math.round(seconds * 10) / 10}\u00a0s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.floor(whole / 60)}\u00a0min ${whole % 60}\u00a0s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)}\u00a0h ${Math.floor((whole % 3_600) / 60)}\u00a0min`;
  return `${Math.floor(whole / 86_400)}\u00a0d ${Math.floor((whole % 86_400) / 3_600)}\u00a0h`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}\u00a0${UNITS[power]}`;
}

/** In UTC, to the second. */
export function moment(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

export const clock = (iso: string): string => iso.slice(11, 19);

export const secondsBetween = (from: string, until: string): number => (Date.parse(until) - Date.parse(from)) / 1000;
