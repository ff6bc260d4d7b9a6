import { costs } from '../../hardware/costs.ts';
import type { Pfn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { PageCore } from '../core.ts';
import { watermarkOk } from '../frames/watermarks.ts';
import { Eviction } from '../mglru/eviction.ts';
import type { Psi } from '../psi/psi.ts';
import { CAUSE_RECLAIM } from '../time/clock.ts';
import { PGSCAN_DIRECT_THROTTLE } from '../vmstat.ts';
import { tryToFree } from './direct.ts';
import type { GroupStats, GroupStatsState } from './group-stats.ts';
import { Kswapd, type KswapdState } from './kswapd.ts';
import { LruCosts, type LruCostsState } from './lru-costs.ts';
import { NodeShrinker, type NodeState } from './node.ts';
import { type Reclaimer, type ScanControl, SWAP_CLUSTER_MAX, scanControl } from './scan-control.ts';
import type { WritebackState } from './shrink-list.ts';
import { ListShrinker } from './shrink-lists.ts';
import { LruvecShrinker } from './shrink-lruvec.ts';
import { THROTTLE_WRITEBACK, Throttle, type ThrottleState } from './throttle.ts';
import { traceBegin, traceEnd } from './vmscan-trace.ts';

/** What an allocation costs a program at least, in ns: kswapd works meanwhile. */
const ALLOCATION_NS = costs.minorFault + costs.pageClear;

/** What reclaim asks of others. */
export interface ReclaimNeeds {
  /** The statistics of groups that it balances its lists by. */
  readonly stats: GroupStats;
  /** Waits for memory are counted there. */
  readonly psi: Psi;
  /** Whether work takes time on this machine. */
  readonly timed: boolean;
  /** Starts writing dirty pages of files, so that they can be dropped later (wakeup_flusher_threads). */
  wakeFlusher(): void;
  /** Address spaces of all processes, which aging walks. */
  mms(): Iterable<Mm>;
  /** The task that runs now waits until a folio is written. */
  waitForWriteback(head: Pfn): void;
  /** An isolated page of a group went back to an active list (workingset_age_nonresident). */
  growAge(group: number, pages: number): void;
  /** Frees kernel objects of a group in proportion to a round's priority. @returns pages freed */
  shrinkSlab: (group: MemCgroup, priority: number) => number;
}

/**
 * Getting memory back (mm/vmscan.c). kswapd works when no zone stands above its low mark, until one stands above its high
 * mark again; who finds no page above the minimum reclaims for itself.
 */
export class Reclaim {
  readonly #core: PageCore;
  readonly #needs: ReclaimNeeds;
  readonly #costs: LruCosts;
  readonly #lists: ListShrinker;
  readonly #node: NodeShrinker;
  readonly #throttle: Throttle;
  readonly #kswapd: Kswapd;

  constructor(core: PageCore, needs: ReclaimNeeds) {
    this.#core = core;
    this.#needs = needs;
    const { stats, timed } = needs;
    this.#costs = new LruCosts(stats);
    this.#throttle = new Throttle(core, { isHopeless: () => this.#kswapd.isHopeless });
    const throttle = this.#throttle;
    const writeback: WritebackState = {
      get allUnderWriteback() {
        return throttle.allUnderWriteback;
      },
      waitFor: (head) => needs.waitForWriteback(head),
    };
    this.#lists = new ListShrinker(core, {
      costs: this.#costs,
      writeback,
      growAge: (group, pages) => needs.growAge(group, pages),
      foundOnlyDirty: (sc) => this.#foundOnlyDirty(sc),
    });
    const eviction = new Eviction(core, {
      writeback,
      mms: () => needs.mms(),
      walksTables: () => (core.params.lruGen & 2) !== 0,
    });
    const lruvecs = new LruvecShrinker(core, stats, this.#lists, eviction);
    this.#node = new NodeShrinker(core, { stats, costs: this.#costs, lruvecs, throttle, shrinkSlab: needs.shrinkSlab });
    this.#kswapd = new Kswapd(core, {
      node: this.#node,
      throttle,
      timed,
      stall: (isStalled, at) => needs.psi.kswapd(isStalled, at),
    });
  }

  /** kswapd is hopeless: it found nothing 16 times. */
  get kswapdGaveUp(): boolean {
    return this.#kswapd.isHopeless;
  }

  /** No zone stood above its low mark when a page was taken: kswapd runs, beside the program (wakeup_kswapd). */
  kswapd(): void {
    this.#kswapd.wake();
    this.#kswapd.catchUp(this.#needs.timed ? ALLOCATION_NS : 0);
  }

  /**
   * Direct reclaim (try_to_free_pages): 32 pages, with growing pressure. The task pays with its time.
   * @returns pages that were freed
   */
  direct(): number {
    this.#throttleDirect();
    const freed = this.#free(scanControl('direct', SWAP_CLUSTER_MAX));
    // Others get the CPU before it is tried again: what waits for a disk may be all that is left.
    if (freed === 0) this.#throttle.hold(THROTTLE_WRITEBACK, false);
    return freed;
  }

  /**
   * Frees pages of a group at its limit and of those below it (try_to_free_mem_cgroup_pages).
   * @param maySwap false when the limit is one of memory and swap together: swapping would win nothing
   * @param by 'proactive' when somebody wrote to memory.reclaim
   * @param swappiness the machine's or the group's when left out
   * @returns pages that were freed
   */
  cgroup(target: MemCgroup, pages: number, maySwap: boolean, by: Reclaimer = 'direct', swappiness?: number): number {
    return this.#free(scanControl(by, Math.max(pages, SWAP_CLUSTER_MAX), { target, maySwap, swappiness }));
  }

  /** Frees single pages that somebody names, used of late or not (reclaim_pages). @returns pages freed */
  pages(frames: readonly Pfn[]): number {
    return this.#lists.reclaimPages(frames);
  }

  /** Pages came back that had been in use: their kind is dearer to reclaim (lru_note_cost_refault). */
  noteRefault(group: MemCgroup, isFile: boolean, pages: number): void {
    this.#costs.note(group, isFile, pages, 0);
  }

  /** Whether a program may be given memory without reclaiming for it. */
  get isAboveMin(): boolean {
    const { zones } = this.#core.allocator;
    return zones.some((zone) => watermarkOk(zone, 0, zone.min, zones.length - 1));
  }

  #free(sc: ScanControl): number {
    const { clock } = this.#core;
    this.#needs.psi.enter();
    traceBegin(this.#core.trace, sc);
    const freed = tryToFree(
      this.#core,
      {
        node: this.#node,
        throttle: this.#throttle,
        spend: (scanned, freed) => {
          if (this.#needs.timed) clock.spend(scanned * costs.scanPage + freed * costs.freePage, CAUSE_RECLAIM);
        },
        progress: () => this.#kswapd.progress(),
      },
      sc,
    );
    traceEnd(this.#core.trace, sc);
    this.#needs.psi.leave();
    return freed;
  }

  /**
   * When half of the reserve is gone, who wants memory waits for kswapd instead of taking part in the scramble
   * (throttle_direct_reclaim, allow_direct_reclaim).
   */
  #throttleDirect(): void {
    const { zones } = this.#core.allocator;
    const reserve = zones.reduce((sum, zone) => sum + zone.min, 0);
    if (this.kswapdGaveUp || this.#core.allocator.free > reserve / 2) return;
    this.#core.vmstat.count(PGSCAN_DIRECT_THROTTLE);
    this.#kswapd.wake();
    const waited = this.#kswapd.finish();
    if (this.#needs.timed && waited > 0) this.#core.clock.spend(waited, CAUSE_RECLAIM);
  }

  /** Nobody writes what reclaim wants: the flusher is woken, and a group without limits of its own waits for it. */
  #foundOnlyDirty(sc: ScanControl): void {
    this.#needs.wakeFlusher();
    if (sc.target !== undefined && this.#core.cgroups.version === 1) this.#throttle.hold(THROTTLE_WRITEBACK, false);
  }

  save(): ReclaimState {
    return {
      costs: this.#costs.save(),
      node: this.#node.save(),
      throttle: this.#throttle.save(),
      kswapd: this.#kswapd.save(),
      stats: this.#needs.stats.save(),
    };
  }

  restore(state: ReclaimState): void {
    this.#costs.restore(state.costs);
    this.#node.restore(state.node);
    this.#throttle.restore(state.throttle);
    this.#kswapd.restore(state.kswapd);
    this.#needs.stats.restore(state.stats);
  }
}

export interface ReclaimState {
  readonly costs: LruCostsState;
  readonly node: NodeState;
  readonly throttle: ThrottleState;
  readonly kswapd: KswapdState;
  readonly stats: GroupStatsState;
}
