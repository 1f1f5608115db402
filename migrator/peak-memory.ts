import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

/**
 * The most memory that this program has had resident at once, in MiB.
 *
 * On Linux the kernel's VmHWM (proc_pid_status(5), in KiB): what getrusage tells as maxRSS begins at the memory of the process
 * that started this one. Elsewhere maxRSS, which Node has in KiB on every system.
 */
export function peakMemoryMebibytes(): number {
  const kibibytes =
    process.platform === 'linux'
      ? Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
      : process.resourceUsage().maxRSS;
  return Math.round(kibibytes / KIB_PER_MIB);
}
