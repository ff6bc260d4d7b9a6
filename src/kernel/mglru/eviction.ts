/** Eviction from the oldest generations (evict_folios, try_to_shrink_lruvec in mm/vmscan.c). */
import { type Pfn, pfn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { PageCore } from '../core.ts';
import {
  PG_ACTIVE,
  PG_CACHED,
  PG_DIRTY,
  PG_LRU,
  PG_MLOCKED,
  PG_RECLAIM,
  PG_REFERENCED,
  PG_UNEVICTABLE,
  PG_UPTODATE,
  PG_WORKINGSET,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import { watermarkOk } from '../frames/watermarks.ts';
import type { ScanControl } from '../reclaim/scan-control.ts';
import { DEF_PRIORITY } from '../reclaim/scan-control.ts';
import { countScanned, countStolen } from '../reclaim/scan-counts.ts';
import { folioPages, shrinkFolioList, type WritebackState } from '../reclaim/shrink-list.ts';
import { PGREFILL } from '../vmstat.ts';
import { age } from './aging.ts';
import { ANON, FILE, type Generations, MIN_NR_GENS } from './generations.ts';
import { MIN_LRU_BATCH } from './tiers.ts';

/** Folios that one batch may sort at most (MAX_LRU_BATCH). */
const MAX_LRU_BATCH = 4096;
/** The most uses that are counted (BIT(LRU_REFS_WIDTH)). */
const MANY_USES = 4;

/** What eviction needs of the rest of reclaim. */
export interface EvictionNeeds {
  readonly writeback: WritebackState;
  /** Address spaces of all processes. */
  mms(): Iterable<Mm>;
  /** Aging walks page tables (bit 2 of lru_gen/enabled). */
  walksTables(): boolean;
}

export class Eviction {
  readonly #core: PageCore;
  readonly #needs: EvictionNeeds;

  constructor(core: PageCore, needs: EvictionNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /** One round over one cgroup's generations (try_to_shrink_lruvec). @param swappiness 0 when it may not swap */
  shrink(sc: ScanControl, generations: Generations, group: MemCgroup, swappiness: number): void {
    for (let scanned = 0; ; ) {
      const wanted = this.#toScan(sc, generations, group, swappiness > 0);
      if (wanted <= 0) return;
      const done = this.#evict(sc, generations, group, swappiness);
      if (done === 0) return;
      scanned += done;
      if (scanned >= wanted || this.#isEnough(sc)) return;
    }
  }

  /** get_nr_to_scan: how many pages this priority is about; -1 when a generation was begun instead. */
  #toScan(sc: ScanControl, generations: Generations, group: MemCgroup, maySwap: boolean): number {
    const max = generations.maxSeq(group.id);
    const types = maySwap ? [ANON, FILE] : [FILE];
    const oldest = Math.min(...types.map((type) => generations.minSeq(group.id, type)));
    let total = 0;
    if (oldest + MIN_NR_GENS <= max)
      for (const type of types)
        for (let seq = generations.minSeq(group.id, type); seq <= max; seq++)
          total += generations.pages(group.id, seq, type);
    const isTimeToAge = oldest + MIN_NR_GENS >= max;
    if (total > 0 && group.dying) return total;
    if (!isTimeToAge || sc.priority === DEF_PRIORITY) return total >>> sc.priority;
    age(this.#core, generations, group.id, this.#needs.mms(), maySwap, this.#needs.walksTables());
    return -1;
  }

  /** should_abort_scan: the machine's reclaim has what it wants; a cgroup's goes on, so that all pay alike. */
  #isEnough(sc: ScanControl): boolean {
    if (sc.target !== undefined) return false;
    if (sc.nrReclaimed >= sc.nrToReclaim) return true;
    const { zones } = this.#core.allocator;
    return (
      sc.by === 'kswapd' && zones.every((zone) => watermarkOk(zone, 0, zone.high + MIN_LRU_BATCH, zones.length - 1))
    );
  }

  /** evict_folios. @returns folios looked at, 0 when there is nothing left to evict */
  #evict(sc: ScanControl, generations: Generations, group: MemCgroup, swappiness: number): number {
    const { lru, cgroups } = this.#core;
    lru.drain();
    const heads = new Int32Array(MIN_LRU_BATCH);
    const { type, scanned, count } = this.#isolateSome(sc, generations, group.id, swappiness, heads);
    let looked = scanned + (generations.dropEmpty(group.id, swappiness > 0) ? 1 : 0);
    if (generations.count(group.id, swappiness > 0 ? ANON : FILE) === MIN_NR_GENS) looked = 0;
    let left = count;
    for (let isRetry = false; left > 0; isRetry = true) {
      const before = sc.nrScanned;
      const result = shrinkFolioList(this.#core, this.#needs.writeback, heads, left, sc);
      // What is looked at again counts once.
      if (isRetry) sc.nrScanned = before;
      sc.nrReclaimed += result.freed;
      countStolen(this.#core, sc, cgroups.get(group.id), type === FILE, result.freed);
      left = this.#putBack(generations, heads, result.kept, isRetry);
    }
    return looked;
  }

  /** isolate_folios: from the kind that is cheaper to evict, else from the other. */
  #isolateSome(
    sc: ScanControl,
    generations: Generations,
    group: number,
    swappiness: number,
    heads: Int32Array,
  ): { type: number; scanned: number; count: number } {
    const tiers = generations.tiers(group);
    let type: number = FILE;
    if (swappiness >= 200) type = ANON;
    else if (swappiness > 1) type = tiers.typeToScan(swappiness);
    const found = { type, scanned: 0, count: 0 };
    for (let attempt = swappiness > 0 ? 0 : 1; attempt < 2 && found.scanned === 0; attempt++) {
      if (found.count === 0 && attempt > 0 && swappiness > 0) found.type = 1 - found.type;
      const result = this.#scan(sc, generations, group, found.type, tiers.lastTier(found.type), heads);
      found.scanned = result.scanned;
      found.count = result.count;
    }
    return found;
  }

  /** scan_folios: sorts the oldest generation's folios until a batch is together that may go. */
  #scan(
    sc: ScanControl,
    generations: Generations,
    group: number,
    type: number,
    lastTier: number,
    heads: Int32Array,
  ): { scanned: number; count: number } {
    const { lru, table, vmstat, cgroups } = this.#core;
    if (generations.count(group, type) === MIN_NR_GENS) return { scanned: 0, count: 0 };
    const seq = generations.minSeq(group, type);
    let scanned = 0;
    let sorted = 0;
    let isolated = 0;
    let count = 0;
    let remaining = MAX_LRU_BATCH;
    while (remaining > 0 && isolated < MIN_LRU_BATCH && count < MIN_LRU_BATCH) {
      const oldest = generations.oldest(group, seq, type);
      if (oldest === 0) break;
      const head = table.headOf(pfn(oldest));
      const pages = folioPages(this.#core, head);
      remaining--;
      scanned += pages;
      if (this.#sort(generations, group, head, pages, type, lastTier)) {
        sorted += pages;
        continue;
      }
      if (!table.has(head, PG_REFERENCED)) generations.clearRefs(head);
      table.clear(head, PG_RECLAIM | PG_REFERENCED);
      for (let p = 0; p < pages; p++) if (table.has(pfn(head + p), PG_LRU)) lru.isolate(pfn(head + p), true);
      heads[count++] = head;
      isolated += pages;
    }
    countScanned(this.#core, sc, cgroups.get(group), type === FILE, isolated);
    if (sc.target === undefined) vmstat.count(PGREFILL, sorted);
    cgroups.count(group, PGREFILL, sorted);
    return { scanned: isolated > 0 || remaining === 0 ? scanned : 0, count };
  }

  /** sort_folio: a folio of the oldest generation that is not to be evicted goes elsewhere. @returns whether it did */
  #sort(generations: Generations, group: number, head: Pfn, pages: number, type: number, lastTier: number): boolean {
    const { table, lru } = this.#core;
    if (table.has(head, PG_MLOCKED)) {
      lru.isolate(head);
      table.set(head, PG_UNEVICTABLE);
      lru.putBack(head);
      return true;
    }
    const tier = generations.tier(head);
    // A folio of the working set that was used four times since goes on without being asked.
    const isPromoted = table.has(head, PG_WORKINGSET) && generations.refs(head) === MANY_USES;
    if (tier > lastTier || isPromoted) {
      for (let p = 0; p < pages; p++) generations.incGen(pfn(head + p), true);
      if (!isPromoted) generations.tiers(group).protectedOne(type, tier);
      return true;
    }
    const isLocked = table.has(head, PG_CACHED) && !table.has(head, PG_UPTODATE);
    if (!isLocked && !table.has(head, PG_WRITEBACK) && !(type === FILE && table.has(head, PG_DIRTY))) return false;
    table.set(head, PG_RECLAIM);
    for (let p = 0; p < pages; p++) generations.incGen(pfn(head + p), true);
    return true;
  }

  /** What was not evicted goes back; clean folios that nothing uses are tried once more. @returns how many those are */
  #putBack(generations: Generations, heads: Int32Array, kept: number, isRetry: boolean): number {
    const { table, lru } = this.#core;
    let again = 0;
    for (let i = 0; i < kept; i++) {
      const head = pfn(heads[i] as number);
      const pages = folioPages(this.#core, head);
      const isBusy = table.has(head, PG_DIRTY | PG_WRITEBACK);
      if (table.has(head, PG_RECLAIM) && isBusy) {
        if (table.has(head, PG_WORKINGSET)) table.set(head, PG_REFERENCED);
      } else if (
        isRetry ||
        isBusy ||
        table.has(head, PG_ACTIVE | PG_REFERENCED | PG_MLOCKED) ||
        table.mapcount[head] !== 0
      ) {
        for (let p = 0; p < pages; p++) {
          generations.clearRefs(pfn(head + p));
          if (!table.has(head, PG_MLOCKED)) table.set(pfn(head + p), PG_ACTIVE);
        }
      } else {
        heads[again++] = head;
        continue;
      }
      if (table.has(head, PG_MLOCKED)) for (let p = 0; p < pages; p++) table.set(pfn(head + p), PG_UNEVICTABLE);
      for (let p = pages - 1; p >= 0; p--) lru.putBack(pfn(head + p));
    }
    return again;
  }
}
