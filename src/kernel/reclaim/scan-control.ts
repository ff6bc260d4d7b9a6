import type { MemCgroup } from '../cgroup/mem-cgroup.ts';

/** DEF_PRIORITY: a round at priority p looks at a 2^p-th of each list. */
export const DEF_PRIORITY = 12;
/** SWAP_CLUSTER_MAX: pages are isolated, and reclaim is asked for, in batches of this many. */
export const SWAP_CLUSTER_MAX = 32;

/** Who reclaims: counted apart in vmstat (reclaimer_offset). 'proactive' is a write to memory.reclaim. */
export type Reclaimer = 'kswapd' | 'direct' | 'proactive';

/** One reclaim: what it wants, what it may do, how far it is (struct scan_control). */
export interface ScanControl {
  /** Pages wanted. */
  nrToReclaim: number;
  /** From DEF_PRIORITY down to 0. */
  priority: number;
  readonly by: Reclaimer;
  nrReclaimed: number;
  nrScanned: number;
  /** A list was spared from deactivation, so there is another way before giving up. */
  skippedDeactivate: boolean;
  /** Deactivate whatever the balance says. */
  forceDeactivate: boolean;
  /** All groups are visited, not only as many as it takes to reach the goal. */
  memcgFullWalk: boolean;
  /** Pages may go to swap. */
  maySwap: boolean;
  /** Pages that memory.low protects may go: there is nothing else. */
  memcgLowReclaim: boolean;
  /** A group was spared for its memory.low. */
  memcgLowSkipped: boolean;
  /** Asked for by who writes to memory.reclaim, SWAPPINESS_ANON_ONLY for no files; undefined for the usual one. */
  readonly swappiness: number | undefined;
  /** The group at its limit; undefined when the machine is short of memory. */
  readonly target: MemCgroup | undefined;
  /** Use since the last look does not save a page: MADV_PAGEOUT. */
  readonly ignoreReferences: boolean;
  /** Files alone were asked and gave nothing: not again (no_cache_trim_mode). */
  noCacheTrim: boolean;
  /** Set by prepareScan for each round. */
  deactivateAnon: boolean;
  deactivateFile: boolean;
  cacheTrimMode: boolean;
  fileIsTiny: boolean;
  anonCost: number;
  fileCost: number;
  /** What this round met, in pages; begun anew by each (sc->nr). */
  readonly met: ScanTally;
}

/** Pages that one round met (struct scan_control's nr, and reclaim_stat). */
export interface ScanTally {
  dirty: number;
  /** Dirty, and nobody had begun to write them. */
  unqueuedDirty: number;
  /** Under write-back, and met by reclaim before. */
  congested: number;
  writeback: number;
  /** As congested, met by kswapd where everything it sees is under write-back. */
  immediate: number;
  taken: number;
  fileTaken: number;
  /** Given to swap. */
  pageout: number;
  activatedAnon: number;
  activatedFile: number;
  /** Kept because they were used. */
  refKeep: number;
  /** Still mapped after an attempt to unmap them. */
  unmapFail: number;
}

export const emptyTally = (): ScanTally => ({
  dirty: 0,
  unqueuedDirty: 0,
  congested: 0,
  writeback: 0,
  immediate: 0,
  taken: 0,
  fileTaken: 0,
  pageout: 0,
  activatedAnon: 0,
  activatedFile: 0,
  refKeep: 0,
  unmapFail: 0,
});

export const clearTally = (tally: ScanTally): void => {
  for (const key of Object.keys(tally) as (keyof ScanTally)[]) tally[key] = 0;
};

/** Fields that differ from the defaults. */
type Given = Partial<Pick<ScanControl, 'target' | 'ignoreReferences' | 'maySwap' | 'swappiness'>>;

export const scanControl = (by: Reclaimer, nrToReclaim: number, given: Given = {}): ScanControl => ({
  target: undefined,
  maySwap: true,
  ignoreReferences: false,
  swappiness: undefined,
  ...given,
  nrToReclaim,
  priority: DEF_PRIORITY,
  by,
  nrReclaimed: 0,
  nrScanned: 0,
  skippedDeactivate: false,
  forceDeactivate: false,
  memcgFullWalk: false,
  memcgLowReclaim: false,
  memcgLowSkipped: false,
  noCacheTrim: false,
  deactivateAnon: false,
  deactivateFile: false,
  cacheTrimMode: false,
  fileIsTiny: false,
  anonCost: 0,
  fileCost: 0,
  met: emptyTally(),
});
