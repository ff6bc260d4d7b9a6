import type { MemCgroup } from '../cgroup/mem-cgroup.ts';

/** DEF_PRIORITY: a round at priority p looks at a 2^p-th of each list. */
export const DEF_PRIORITY = 12;
/** SWAP_CLUSTER_MAX: pages are isolated, and reclaim is asked for, in batches of this many. */
export const SWAP_CLUSTER_MAX = 32;

/** One reclaim: what it wants, what it may do, how far it is (struct scan_control). */
export interface ScanControl {
  /** Pages wanted. */
  nrToReclaim: number;
  /** From DEF_PRIORITY down to 0. */
  priority: number;
  /** Who asks: counted apart in vmstat. */
  readonly by: 'kswapd' | 'direct';
  nrReclaimed: number;
  nrScanned: number;
  /** Dirty pages of files that nobody had begun to write: the flusher is woken for them. */
  nrUnqueuedDirty: number;
  /** A list was spared from deactivation, so there is another way before giving up. */
  skippedDeactivate: boolean;
  /** Deactivate whatever the balance says. */
  forceDeactivate: boolean;
  /** Pages may go to swap. */
  maySwap: boolean;
  /** The group at its limit; undefined when the machine is short of memory. */
  readonly target: MemCgroup | undefined;
  /** Use since the last look does not save a page: MADV_PAGEOUT. */
  readonly ignoreReferences: boolean;
  /** Set by prepareScan for each round. */
  deactivateAnon: boolean;
  deactivateFile: boolean;
  cacheTrimMode: boolean;
  fileIsTiny: boolean;
}

export const scanControl = (
  by: 'kswapd' | 'direct',
  nrToReclaim: number,
  ignoreReferences = false,
  target?: MemCgroup,
): ScanControl => ({
  target,
  maySwap: true,
  ignoreReferences,
  nrToReclaim,
  priority: DEF_PRIORITY,
  by,
  nrReclaimed: 0,
  nrScanned: 0,
  nrUnqueuedDirty: 0,
  skippedDeactivate: false,
  forceDeactivate: false,
  deactivateAnon: false,
  deactivateFile: false,
  cacheTrimMode: false,
  fileIsTiny: false,
});
