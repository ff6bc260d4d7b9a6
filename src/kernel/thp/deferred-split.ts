import type { Pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_HEAD, PG_PARTIALLY_MAPPED } from '../frames/frame-table.ts';
import { THP_DEFERRED_SPLIT_PAGE } from '../vmstat.ts';
import { PMD_ORDER } from './settings.ts';
import { SPLIT_DEFERRED } from './size-stats.ts';

/**
 * Large anonymous folios that reclaim may split to win memory (deferred_split_folio): those of which some pages are not
 * mapped any more, and all of 2 MiB, as many of their pages may never have been written.
 */
export class DeferredSplit {
  readonly #core: Pick<PageCore, 'table' | 'vmstat' | 'thp'>;
  /** Heads in the order in which they came. One that was freed meanwhile is passed over, by its flags. */
  readonly #heads = new Set<number>();

  constructor(core: Pick<PageCore, 'table' | 'vmstat' | 'thp'>) {
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

  save(): Int32Array {
    return Int32Array.from(this.#heads);
  }

  restore(state: Int32Array): void {
    this.#heads.clear();
    for (const head of state) this.#heads.add(head);
  }
}
