import { PAGE_SIZE } from '../hardware/units.ts';
import { WORKINGSET_REFAULT_ANON, WORKINGSET_REFAULT_FILE } from '../kernel/vmstat.ts';
import type { Replay } from '../program/recording/replay.ts';
import { reportOf } from '../program/recording/replay-report.ts';

/** What a sweep tells of the replay at one of its points. Pages are of 4096 bytes. */
export interface Measures {
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Pages that came from swap, and that went there. */
  readonly swappedIn: number;
  readonly swappedOut: number;
  /** Pages of files that came from disks, readahead's among them. */
  readonly filePagesRead: number;
  /** Pages that came back after reclaim had taken them (workingset_refault_*). */
  readonly refaultsAnon: number;
  readonly refaultsFile: number;
  /** The largest resident set of one process, in bytes. */
  readonly peakRss: number;
  readonly simulatedNs: number;
  /** Processes that the OOM killer ended. */
  readonly killed: number;
  /** Nobody was left to be killed: what the kernel's panic said; null when the replay came to its end. */
  readonly panic: string | null;
}

/** Sums up a replay that has ended. @param panic the kernel's last words, if there were any */
export function measuresOf(replay: Replay, panic: string | null): Measures {
  const { faults, swap, processes, peakRss, simulatedNs, log } = reportOf(replay, 0);
  const { vmstat } = replay.machine.kernel;
  const read = processes.reduce((sum, { readBytes }) => sum + readBytes, 0);
  return {
    minorFaults: faults.minor,
    majorFaults: faults.major,
    swappedIn: swap.in,
    swappedOut: swap.out,
    filePagesRead: read / PAGE_SIZE - swap.in,
    refaultsAnon: vmstat.value(WORKINGSET_REFAULT_ANON),
    refaultsFile: vmstat.value(WORKINGSET_REFAULT_FILE),
    peakRss,
    simulatedNs,
    killed: log.filter((line) => /: Killed process \d+ /.test(line)).length,
    panic,
  };
}
