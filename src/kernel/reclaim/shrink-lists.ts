import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import {
  PG_ACTIVE,
  PG_LRU,
  PG_MLOCKED,
  PG_RECLAIM,
  PG_SWAPCACHE,
  PG_TAIL,
  PG_UNEVICTABLE,
  PG_WORKINGSET,
} from '../frames/frame-table.ts';
import { LRU_ACTIVE_FILE, LRU_INACTIVE_FILE, type Lruvec } from '../frames/lru.ts';
import { PGDEACTIVATE, PGREFILL } from '../vmstat.ts';
import type { LruCosts } from './lru-costs.ts';
import { usedAsProgram } from './references.ts';
import { type ScanControl, SWAP_CLUSTER_MAX, scanControl } from './scan-control.ts';
import { countScanned, countStolen } from './scan-counts.ts';
import { folioPages, shrinkFolioList, type WritebackState } from './shrink-list.ts';
import { traceActive, traceInactive, traceIsolate, tracePages } from './vmscan-trace.ts';

/** What the lists need of the rest of reclaim. */
export interface ListNeeds {
  readonly costs: LruCosts;
  readonly writeback: WritebackState;
  /** An isolated page went back to an active list: what was evicted is further away (workingset_age_nonresident). */
  growAge(group: number, pages: number): void;
  /** All that was looked at was dirty, and nobody writes it. */
  foundOnlyDirty(sc: ScanControl): void;
}

/** Takes pages from the tails of the LRU lists, a batch at a time (shrink_inactive_list, shrink_active_list). */
export class ListShrinker {
  readonly #core: PageCore;
  readonly #needs: ListNeeds;
  /** Heads of the folios that are isolated now; a batch ends at a large folio that is half of it. */
  readonly #isolated = new Int32Array(SWAP_CLUSTER_MAX);

  constructor(core: PageCore, needs: ListNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /**
   * shrink_inactive_list: the oldest pages are freed, kept for a round, or made active.
   * @returns pages freed
   */
  shrinkInactive(lruvec: Lruvec, list: number, pages: number, sc: ScanControl): number {
    const { lru, cgroups, trace } = this.#core;
    const isFile = list === LRU_INACTIVE_FILE;
    lru.drain();
    const scannedBefore = sc.nrScanned;
    const unqueuedBefore = sc.met.unqueuedDirty;
    const pageoutBefore = sc.met.pageout;
    const { dirty, writeback, refKeep } = sc.met;
    const count = this.#isolate(lruvec, list, pages);
    if (count === 0) return 0;
    const { freed, kept } = shrinkFolioList(this.#core, this.#needs.writeback, this.#isolated, count, sc);
    this.#putAllBack(kept);
    const scanned = sc.nrScanned - scannedBefore;
    const group = cgroups.get(lruvec.cgroup);
    countScanned(this.#core, sc, group, isFile, scanned);
    countStolen(this.#core, sc, group, isFile, freed);
    const written = sc.met.pageout - pageoutBefore;
    this.#needs.costs.note(group, isFile, written, scanned - freed);
    traceInactive(trace, sc, scanned, freed, {
      dirty: sc.met.dirty - dirty,
      writeback: sc.met.writeback - writeback,
      refKeep: sc.met.refKeep - refKeep,
    });
    sc.met.taken += scanned;
    if (isFile) sc.met.fileTaken += scanned;
    if (sc.met.unqueuedDirty - unqueuedBefore === scanned) this.#needs.foundOnlyDirty(sc);
    return freed;
  }

  /** shrink_active_list: all go to the inactive list, but for pages of programs that ran since the last look. */
  shrinkActive(lruvec: Lruvec, list: number, pages: number, sc: ScanControl): void {
    const { table, vmstat, lru, cgroups } = this.#core;
    lru.drain();
    const count = this.#isolate(lruvec, list, pages);
    let refilled = 0;
    let deactivated = 0;
    for (let i = 0; i < count; i++) {
      const head = pfn(this.#isolated[i] as number);
      const size = folioPages(this.#core, head);
      refilled += size;
      if (usedAsProgram(this.#core, head, size)) continue;
      for (let p = 0; p < size; p++) {
        table.clear(pfn(head + p), PG_ACTIVE);
        table.set(pfn(head + p), PG_WORKINGSET);
      }
      deactivated += size;
    }
    this.#putAllBack(count);
    if (sc.target === undefined) vmstat.count(PGREFILL, refilled);
    vmstat.count(PGDEACTIVATE, deactivated);
    cgroups.count(lruvec.cgroup, PGREFILL, refilled);
    cgroups.count(lruvec.cgroup, PGDEACTIVATE, deactivated);
    const rotated = refilled - deactivated;
    traceActive(this.#core.trace, sc, list, refilled, deactivated, rotated);
    this.#needs.costs.note(cgroups.get(lruvec.cgroup), list === LRU_ACTIVE_FILE, 0, rotated);
  }

  /**
   * Frees single pages that somebody names (reclaim_pages), used of late or not.
   * @returns pages freed
   */
  reclaimPages(frames: readonly Pfn[]): number {
    const { table, lru } = this.#core;
    const sc = scanControl('direct', frames.length, { ignoreReferences: true });
    let freed = 0;
    for (let i = 0; i < frames.length; ) {
      let count = 0;
      for (; i < frames.length && count < SWAP_CLUSTER_MAX; i++) {
        const head = this.#headOf(frames[i] as Pfn);
        // A page of a folio that was named before is off the list already.
        if (!table.has(head, PG_LRU)) continue;
        const size = folioPages(this.#core, head);
        for (let p = 0; p < size; p++) {
          lru.isolate(pfn(head + p));
          table.clear(pfn(head + p), PG_ACTIVE);
        }
        this.#isolated[count++] = head;
      }
      const result = shrinkFolioList(this.#core, this.#needs.writeback, this.#isolated, count, sc);
      this.#putAllBack(result.kept);
      freed += result.freed;
    }
    tracePages(this.#core.trace, sc, freed);
    return freed;
  }

  /** Takes whole folios off the tail of a list until `pages` are together (isolate_lru_folios). @returns folios */
  #isolate(lruvec: Lruvec, list: number, pages: number): number {
    const { lru, table } = this.#core;
    let count = 0;
    let taken = 0;
    while (taken < pages && count < SWAP_CLUSTER_MAX) {
      const oldest = lruvec.oldest(list);
      if (oldest === 0) break;
      const head = this.#headOf(pfn(oldest));
      const size = folioPages(this.#core, head);
      for (let p = 0; p < size; p++) if (table.has(pfn(head + p), PG_LRU)) lru.isolate(pfn(head + p));
      this.#isolated[count++] = head;
      taken += size;
    }
    traceIsolate(this.#core.trace, this.#core.allocator.zones.length - 1, pages, taken, list);
    return count;
  }

  /** The isolated folios go to the lists that their flags name, the oldest first (move_folios_to_lru). */
  #putAllBack(count: number): void {
    for (let i = 0; i < count; i++) this.#putBack(pfn(this.#isolated[i] as number));
  }

  #putBack(head: Pfn): void {
    const { lru, table } = this.#core;
    const size = folioPages(this.#core, head);
    if (table.has(head, PG_SWAPCACHE) && table.has(head, PG_RECLAIM)) {
      // Written to a device that answers later: next in line when it is looked at again (folio_rotate_reclaimable).
      for (let p = size - 1; p >= 0; p--) {
        table.clear(pfn(head + p), PG_RECLAIM);
        lru.putBackOldest(pfn(head + p));
      }
      return;
    }
    if (table.has(head, PG_MLOCKED)) for (let p = 0; p < size; p++) table.set(pfn(head + p), PG_UNEVICTABLE);
    for (let p = size - 1; p >= 0; p--) lru.putBack(pfn(head + p));
    if (table.has(head, PG_ACTIVE)) this.#needs.growAge(table.memcg[head] as number, size);
  }

  /** The first page of the folio that a page belongs to: folios are aligned to their size. */
  #headOf(frame: Pfn): Pfn {
    if (!this.#core.table.has(frame, PG_TAIL)) return frame;
    return pfn(frame & -folioPages(this.#core, frame));
  }
}
