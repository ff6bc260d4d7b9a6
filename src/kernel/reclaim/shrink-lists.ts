import { type Pfn, pfn } from '../../hardware/units.ts';
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { PageCore } from '../core.ts';
import { PG_ACTIVE, PG_LRU, PG_RECLAIM, PG_SWAPCACHE, PG_TAIL, PG_WORKINGSET } from '../frames/frame-table.ts';
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE, type Lruvec } from '../frames/lru.ts';
import {
  PGDEACTIVATE,
  PGREFILL,
  PGSCAN_ANON,
  PGSCAN_DIRECT,
  PGSCAN_FILE,
  PGSCAN_KSWAPD,
  PGSTEAL_ANON,
  PGSTEAL_DIRECT,
  PGSTEAL_FILE,
  PGSTEAL_KSWAPD,
} from '../vmstat.ts';
import { type Costs, noteCost, scanCounts } from './balance.ts';
import { usedAsProgram } from './references.ts';
import { type ScanControl, SWAP_CLUSTER_MAX, scanControl } from './scan-control.ts';
import { folioPages, shrinkFolioList } from './shrink-list.ts';

const LISTS = [LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE] as const;

/** Takes pages from the tails of the LRU lists (shrink_lruvec). */
export class ListShrinker {
  readonly #core: PageCore;
  readonly #counts = new Int32Array(LISTS.length);
  /** Heads of the folios that are isolated now; a batch ends at a large folio that is half of it. */
  readonly #isolated = new Int32Array(SWAP_CLUSTER_MAX);
  /** What keeping anonymous and file pages has cost each group of late (lru_note_cost). */
  readonly #costs: (Costs | undefined)[] = [];

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** One round at the control's priority: each list is looked at in turns of 32 pages until enough is free. */
  shrink(sc: ScanControl, group: MemCgroup): void {
    const lruvec = this.#core.lru.lruvec(group.id);
    const costs = this.#costsOf(group.id);
    const counts = this.#counts;
    scanCounts(
      sc,
      {
        sizes: lruvec.sizes,
        costs,
        swappiness: sc.target === undefined ? this.#core.params.swappiness : group.swappiness,
        freeSwap: this.#core.swap.free,
        isCgroup: sc.target !== undefined,
      },
      counts,
    );
    // Direct reclaim at the lightest pressure keeps the proportion between the lists, even beyond what it needs.
    const proportional = sc.by === 'direct' && sc.priority === 12;
    for (;;) {
      let scanned = false;
      for (const list of LISTS) {
        const left = counts[list] as number;
        if (left === 0) continue;
        const chunk = Math.min(left, SWAP_CLUSTER_MAX);
        counts[list] = left - chunk;
        scanned = true;
        sc.nrReclaimed += this.#shrinkList(lruvec, list, chunk, sc);
      }
      if (!scanned || (sc.nrReclaimed >= sc.nrToReclaim && !proportional)) return;
    }
  }

  saveCosts(): (Costs | undefined)[] {
    return Array.from(this.#costs, (costs) => costs && { ...costs });
  }

  restoreCosts(saved: readonly (Costs | undefined)[]): void {
    this.#costs.splice(0, this.#costs.length, ...saved.map((costs) => costs && { ...costs }));
  }

  #costsOf(group: number): Costs {
    let costs = this.#costs[group];
    if (costs === undefined) {
      costs = { anon: 0, file: 0 };
      this.#costs[group] = costs;
    }
    return costs;
  }

  #shrinkList(lruvec: Lruvec, list: number, pages: number, sc: ScanControl): number {
    if (list === LRU_INACTIVE_ANON || list === LRU_INACTIVE_FILE) return this.#shrinkInactive(lruvec, list, pages, sc);
    const allowed = list === LRU_ACTIVE_FILE ? sc.deactivateFile : sc.deactivateAnon;
    if (allowed) this.#shrinkActive(lruvec, list, pages);
    else sc.skippedDeactivate = true;
    return 0;
  }

  /** shrink_inactive_list: the oldest pages are freed, kept for a round, or made active. */
  #shrinkInactive(lruvec: Lruvec, list: number, pages: number, sc: ScanControl): number {
    const { vmstat } = this.#core;
    const before = sc.nrScanned;
    const count = this.#isolate(lruvec, list, pages);
    const { freed, kept, activated } = shrinkFolioList(this.#core, this.#isolated, count, sc);
    noteCost(this.#costsOf(lruvec.cgroup), lruvec.sizes, list === LRU_INACTIVE_FILE, activated);
    for (let i = 0; i < kept; i++) this.#putBack(pfn(this.#isolated[i] as number));
    const scanned = sc.nrScanned - before;
    vmstat.count(sc.by === 'kswapd' ? PGSCAN_KSWAPD : PGSCAN_DIRECT, scanned);
    vmstat.count(sc.by === 'kswapd' ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT, freed);
    vmstat.count(list === LRU_INACTIVE_FILE ? PGSCAN_FILE : PGSCAN_ANON, scanned);
    vmstat.count(list === LRU_INACTIVE_FILE ? PGSTEAL_FILE : PGSTEAL_ANON, freed);
    return freed;
  }

  /** shrink_active_list: all go to the inactive list, but for pages of programs that ran since the last look. */
  #shrinkActive(lruvec: Lruvec, list: number, pages: number): void {
    const { table, vmstat } = this.#core;
    const count = this.#isolate(lruvec, list, pages);
    for (let i = 0; i < count; i++) {
      const head = pfn(this.#isolated[i] as number);
      const size = folioPages(this.#core, head);
      vmstat.count(PGREFILL, size);
      if (!usedAsProgram(this.#core, head, size)) {
        for (let p = 0; p < size; p++) {
          table.clear(pfn(head + p), PG_ACTIVE);
          table.set(pfn(head + p), PG_WORKINGSET);
        }
        vmstat.count(PGDEACTIVATE, size);
      }
      this.#putBack(head);
    }
  }

  /** Takes whole folios off the tail of a list until `pages` are together (isolate_lru_folios). @returns folios */
  #isolate(lruvec: Lruvec, list: number, pages: number): number {
    const { lru, table } = this.#core;
    let count = 0;
    for (let taken = 0; taken < pages && count < SWAP_CLUSTER_MAX; ) {
      const oldest = lruvec.oldest(list);
      if (oldest === 0) break;
      const head = this.#headOf(pfn(oldest));
      const size = folioPages(this.#core, head);
      for (let p = 0; p < size; p++) if (table.has(pfn(head + p), PG_LRU)) lru.isolate(pfn(head + p));
      this.#isolated[count++] = head;
      taken += size;
    }
    return count;
  }

  /**
   * Frees single pages that somebody names (reclaim_pages), used of late or not.
   * @returns pages freed
   */
  reclaimPages(frames: readonly Pfn[]): number {
    const { table, lru } = this.#core;
    const sc = scanControl('direct', frames.length, true);
    let freed = 0;
    for (let i = 0; i < frames.length; ) {
      let count = 0;
      for (; i < frames.length && count < SWAP_CLUSTER_MAX; i++) {
        const head = this.#headOf(frames[i] as Pfn);
        // A page of a folio that was named before is off the list already.
        if (!table.has(head, PG_LRU)) continue;
        for (let p = 0; p < folioPages(this.#core, head); p++) lru.isolate(pfn(head + p));
        this.#isolated[count++] = head;
      }
      const result = shrinkFolioList(this.#core, this.#isolated, count, sc);
      for (let k = 0; k < result.kept; k++) this.#putBack(pfn(this.#isolated[k] as number));
      freed += result.freed;
    }
    return freed;
  }

  #putBack(head: Pfn): void {
    const { lru, table } = this.#core;
    if (table.has(head, PG_SWAPCACHE) && table.has(head, PG_RECLAIM)) {
      // Written to a device that answers later: next in line when it is looked at again (folio_rotate_reclaimable).
      table.clear(head, PG_RECLAIM);
      lru.putBackOldest(head);
      return;
    }
    for (let p = folioPages(this.#core, head) - 1; p >= 0; p--) lru.putBack(pfn(head + p));
  }

  /** The first page of the folio that a page belongs to: folios are aligned to their size. */
  #headOf(frame: Pfn): Pfn {
    if (!this.#core.table.has(frame, PG_TAIL)) return frame;
    return pfn(frame & -folioPages(this.#core, frame));
  }
}
