import type { PageCore } from '../core.ts';
import { CAUSE_RECLAIM } from '../time/clock.ts';
import { NR_DIRTY, NR_WRITEBACK, NR_WRITTEN } from '../vmstat.ts';
import { reclaimablePages } from './reclaimable.ts';
import { type ScanControl, SWAP_CLUSTER_MAX } from './scan-control.ts';
import { traceThrottled } from './vmscan-trace.ts';

/** A timer's tick with CONFIG_HZ=250, in ns. */
const JIFFY_NS = 4_000_000;
/** Why somebody is held up (enum vmscan_throttle_state, as the tracepoint's bits). */
export const THROTTLE_WRITEBACK = 1;
export const THROTTLE_NOPROGRESS = 4;
export const THROTTLE_CONGESTED = 8;
/** The longest that each holds up, in ticks. */
const TICKS: Readonly<Record<number, number>> = {
  [THROTTLE_WRITEBACK]: 25,
  [THROTTLE_NOPROGRESS]: 1,
  [THROTTLE_CONGESTED]: 1,
};

/** What holding up needs to know. */
export interface ThrottleNeeds {
  /** kswapd found nothing 16 times in a row. */
  isHopeless(): boolean;
}

/**
 * Reclaimers that outrun the disk are held up (reclaim_throttle in mm/vmscan.c): programs sleep on the clock, so that the
 * flusher's writes are answered meanwhile; kswapd takes its next step later.
 */
export class Throttle {
  readonly #core: PageCore;
  readonly #needs: ThrottleNeeds;
  /** Everything that kswapd met is under write-back (PGDAT_WRITEBACK). */
  allUnderWriteback = false;
  /** All that kswapd met of files is dirty and nobody writes it (PGDAT_DIRTY). */
  #allDirty = false;
  /** All dirty pages that kswapd met are under write-back and were met before (LRUVEC_NODE_CONGESTED). */
  #congested = false;
  /** How long kswapd is to pause, in ns. */
  #kswapdPause = 0;

  constructor(core: PageCore, needs: ThrottleNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /** What a round met decides who is held up (the tail of shrink_node). */
  afterRound(sc: ScanControl): void {
    const { met } = sc;
    const isKswapd = sc.by === 'kswapd';
    if (isKswapd) {
      if (met.writeback > 0 && met.writeback === met.taken) this.allUnderWriteback = true;
      if (met.unqueuedDirty > 0 && met.unqueuedDirty === met.fileTaken) this.#allDirty = true;
      if (met.immediate > 0) this.hold(THROTTLE_WRITEBACK, true);
    }
    if (isKswapd && met.dirty > 0 && met.dirty === met.congested) this.#congested = true;
    if (!isKswapd && this.#congested && sc.target === undefined) this.hold(THROTTLE_CONGESTED, false);
  }

  /** Direct reclaim found nothing at all at the last priorities (consider_reclaim_throttle). */
  afterZones(sc: ScanControl): void {
    if (sc.nrReclaimed > sc.nrScanned >>> 3 || sc.by === 'kswapd' || sc.target !== undefined) return;
    if (sc.priority === 1 && sc.nrReclaimed === 0) this.hold(THROTTLE_NOPROGRESS, false);
  }

  /** Memory is balanced again (clear_pgdat_congested). */
  clear(): void {
    this.allUnderWriteback = false;
    this.#allDirty = false;
    this.#congested = false;
  }

  /** Holds up the task that runs now, or kswapd, for the reason's time or until enough is written. */
  hold(reason: number, isKswapd: boolean): void {
    if (reason !== THROTTLE_WRITEBACK && this.#isIdle()) return;
    const longest = (TICKS[reason] as number) * JIFFY_NS;
    if (isKswapd) {
      this.#kswapdPause = Math.max(this.#kswapdPause, longest);
      traceThrottled(this.#core.trace, longest, longest, reason);
      return;
    }
    const { clock, vmstat } = this.#core;
    const since = clock.now;
    const written = vmstat.value(NR_WRITTEN);
    // The flusher, which was woken just now, begins; when nothing is on its way to a disk nobody would wake the sleeper.
    clock.sleep(0, CAUSE_RECLAIM);
    while (clock.now - since < longest && vmstat.value(NR_WRITEBACK) > 0) {
      clock.sleep(Math.min(JIFFY_NS, longest - (clock.now - since)), CAUSE_RECLAIM);
      if (reason === THROTTLE_WRITEBACK && vmstat.value(NR_WRITTEN) - written > SWAP_CLUSTER_MAX) break;
    }
    traceThrottled(this.#core.trace, longest, clock.now - since, reason);
  }

  /** How long kswapd must pause before its next step, in ns; asked once. */
  takeKswapdPause(): number {
    const pause = this.#kswapdPause;
    this.#kswapdPause = 0;
    return pause;
  }

  /** skip_throttle_noprogress: kswapd gave up, or too little of what could be freed waits for a disk. */
  #isIdle(): boolean {
    if (this.#needs.isHopeless()) return true;
    const { vmstat } = this.#core;
    const pending = vmstat.value(NR_DIRTY) + vmstat.value(NR_WRITEBACK);
    return 2 * pending <= reclaimablePages(this.#core);
  }

  save(): ThrottleState {
    return {
      allUnderWriteback: this.allUnderWriteback,
      allDirty: this.#allDirty,
      congested: this.#congested,
      kswapdPause: this.#kswapdPause,
    };
  }

  restore(state: ThrottleState): void {
    this.allUnderWriteback = state.allUnderWriteback;
    this.#allDirty = state.allDirty;
    this.#congested = state.congested;
    this.#kswapdPause = state.kswapdPause;
  }
}

export interface ThrottleState {
  readonly allUnderWriteback: boolean;
  readonly allDirty: boolean;
  readonly congested: boolean;
  readonly kswapdPause: number;
}
