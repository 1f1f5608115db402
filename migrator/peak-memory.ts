import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

/**
 * The most memory that this program has had resident at once, in MiB.
 *
 * The kernel's VmHWM (proc_pid_status(5), in KiB), since what getrusage tells as maxRSS begins at the memory of the process that
 * started this one. Where the system has none, maxRSS, which Node has in KiB everywhere.
 */
export function peakMemoryMebibytes(): number {
  return Math.round((ownPeakKibibytes() ?? process.resourceUsage().maxRSS) / KIB_PER_MIB);
}

/** A figure beside the result must not cost the result, so nothing is thrown. */
function ownPeakKibibytes(): number | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return peak === undefined ? undefined : Number(peak);
  } catch {
    return undefined;
  }
}
