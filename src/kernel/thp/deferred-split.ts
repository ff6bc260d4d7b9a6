import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_HEAD, PG_MLOCKED, PG_PARTIALLY_MAPPED } from '../frames/frame-table.ts';
import { type Shrinker, shrinkSlab } from '../slab/shrinker.ts';
import { THP_DEFERRED_SPLIT_PAGE, THP_UNDERUSED_SPLIT_PAGE } from '../vmstat.ts';
import { PMD_ORDER } from './settings.ts';
import { SPLIT_DEFERRED } from './size-stats.ts';

/** SHRINK_BATCH. */
const BATCH = 128;

/**
 * Large anonymous folios that reclaim may split to win memory (deferred_split_folio): those of which some pages are not
 * mapped any more, and all of 2 MiB, as many of their pages may never have been written.
 */
export class DeferredSplit implements Shrinker {
  readonly seeks = 2;
  readonly batch = BATCH;
  readonly #core: PageCore;
  /** Heads in the order in which they came. One that was freed meanwhile is passed over, by its flags. */
  readonly #heads = new Set<number>();

  /** What earlier rounds left over, by group. */
  #leftOver: number[] = [];

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** @param partially some of its pages have just been unmapped and some have not */
  add(head: Pfn, partially: boolean): void {
    const { table, vmstat, thp } = this.#core;
    const order = table.order(head);
    // A new folio may begin where an old one ended: it waits behind the others.
    if (!partially) this.#heads.delete(head);
    else if (!table.has(head, PG_PARTIALLY_MAPPED)) {
      table.set(head, PG_PARTIALLY_MAPPED);
      if (order === PMD_ORDER) vmstat.count(THP_DEFERRED_SPLIT_PAGE);
      thp.sizeStats.count(order, SPLIT_DEFERRED);
    }
    this.#heads.add(head);
  }

  /** The folio is split or free: it is waited for no longer. */
  remove(head: Pfn): void {
    this.#heads.delete(head);
  }

  /** Folios that wait, the oldest first. */
  *waiting(): Generator<Pfn> {
    const { table } = this.#core;
    for (const head of [...this.#heads]) {
      if (table.has(head as Pfn, PG_HEAD) && table.isAnonymous(head as Pfn)) yield head as Pfn;
      else this.#heads.delete(head);
    }
  }

  /** A round of reclaim: folios of a group are looked at in proportion (shrink_slab). */
  shrink(group: number, priority: number): void {
    if (this.#heads.size === 0) return;
    this.#leftOver[group] = shrinkSlab(this, group, priority, this.#leftOver[group] ?? 0).deferred;
  }

  /** deferred_split_count. */
  count(group: number): number {
    let count = 0;
    for (const head of this.#heads) if (this.#core.table.memcg[head] === group) count++;
    return count;
  }

  /**
   * deferred_split_scan: partly mapped folios are split, and those that hold mostly zeros; the others are in use and wait no
   * longer. @returns folios split
   */
  scan(group: number, folios: number): number {
    const { table, vmstat } = this.#core;
    let left = folios;
    let split = 0;
    for (const head of this.waiting()) {
      if (table.memcg[head] !== group) continue;
      if (left-- === 0) break;
      this.#heads.delete(head);
      const isPartial = table.has(head, PG_PARTIALLY_MAPPED);
      if (!isPartial && !this.#isUnderused(head)) continue;
      this.#core.splitFolio(head);
      if (!isPartial) vmstat.count(THP_UNDERUSED_SPLIT_PAGE);
      split++;
    }
    return split;
  }

  /**
   * More of its pages hold only zeros than khugepaged would have left empty (thp_underused). With its limit of 511, the
   * default, no page of 2 MiB is. Contents must be kept for it.
   */
  #isUnderused(head: Pfn): boolean {
    const { table, swap, thp, contents } = this.#core;
    const { maxPtesNone } = thp.settings.khugepaged;
    const pages = 1 << table.order(head);
    if (!thp.settings.shrinkUnderused || contents !== 'bytes' || maxPtesNone === pages - 1) return false;
    if (table.has(head, PG_MLOCKED)) return false;
    let zeros = 0;
    for (let i = 0; i < pages; i++) if (swap.isZero(pfn(head + i))) zeros++;
    return zeros > maxPtesNone;
  }

  save(): DeferredSplitState {
    return { heads: Int32Array.from(this.#heads), leftOver: Array.from(this.#leftOver, (objects) => objects ?? 0) };
  }

  restore(state: DeferredSplitState): void {
    this.#heads.clear();
    for (const head of state.heads) this.#heads.add(head);
    this.#leftOver = [...state.leftOver];
  }
}

export interface DeferredSplitState {
  readonly heads: Int32Array;
  readonly leftOver: readonly number[];
}
