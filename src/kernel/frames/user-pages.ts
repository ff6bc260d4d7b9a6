import type { PhysicalMemory } from '../../hardware/physical-memory.ts';
import type { Pfn } from '../../hardware/units.ts';
import type { TableFrames } from '../page-table/page-tables.ts';
import { panic } from '../panic.ts';
import { type EventLog, KMEM_MM_PAGE_ALLOC, KMEM_MM_PAGE_FREE } from '../tracepoints.ts';
import { NR_PAGE_TABLE_PAGES, NUMA_HIT, NUMA_LOCAL, PGALLOC_DMA, PGFREE, type VmStat } from '../vmstat.ts';
import { type FrameAllocator, NO_PRESSURE } from './allocator.ts';
import {
  type FrameTable,
  PG_CACHED,
  PG_HEAD,
  PG_ORDER_SHIFT,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TABLE,
  PG_TAIL,
  PG_UPTODATE,
} from './frame-table.ts';
import type { LruLists } from './lru.ts';
import { MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, type MigrateType } from './zone.ts';

/** What requests say about themselves (include/linux/gfp_types.h), for the tracepoints: as a real kernel's trace shows them. */
const GFP_ANONYMOUS = 0x140dca;
const GFP_READAHEAD = 0x152c4a;
const GFP_TRANSHUGE = 0x1c24ca;
const GFP_TRANSHUGE_LIGHT = 0x1c20ca;
const GFP_PGTABLE_USER = 0x440dc0;

/**
 * Single frames for those who need one: anonymous pages, cache pages, page tables. What is charged for a page, and what
 * is done when there is none, belongs here: memory cgroups and reclaim come in between `take` and the allocator.
 */
/** Who pays for frames: memory cgroups. */
export interface Charging {
  /** The cgroup of the task that runs now; 0 when nobody's is limited. */
  payer(): number;
  /** @returns false when the cgroup's limit is reached and nothing can be done about it */
  charge(cgroup: number, kernelMemory: boolean, mayReclaim: boolean | 'light'): boolean;
  /**
   * Charges all pages of a large folio at once. Who cannot have them takes a smaller one: reclaim is not pressed hard and
   * nobody is killed; 'once': only one round of it is made (__GFP_NORETRY). @returns false when the limit is reached
   */
  chargeFolio(cgroup: number, pages: number, mayReclaim: boolean | 'once'): boolean;
  uncharge(frame: Pfn, kernelMemory: boolean): void;
  /** No zone stood above its low mark: others are freed, by who needs them if it must be. */
  refill(): void;
}

export class UserPages implements TableFrames {
  readonly #memory: PhysicalMemory;
  readonly #table: FrameTable;
  readonly #allocator: FrameAllocator;
  readonly #lru: LruLists;
  readonly #vmstat: VmStat;
  readonly #trace: EventLog;
  readonly #charging: Charging;

  constructor(
    memory: PhysicalMemory,
    table: FrameTable,
    allocator: FrameAllocator,
    lru: LruLists,
    vmstat: VmStat,
    trace: EventLog,
    charging: Charging,
  ) {
    this.#charging = charging;
    this.#memory = memory;
    this.#table = table;
    this.#allocator = allocator;
    this.#lru = lru;
    this.#vmstat = vmstat;
    this.#trace = trace;
  }

  /**
   * A zeroed frame for anonymous memory or shared memory, or -1 when memory is used up.
   * @param mayReclaim nobody has a page in his hands: a cgroup at its limit reclaims first
   * @param payer cgroup that pays: the running task's, but for a page that comes back from swap its owner's
   */
  allocateAnonymous(mayReclaim: boolean | 'light' = false, payer: number = this.#charging.payer()): Pfn | -1 {
    return this.#take(PG_UPTODATE | PG_SWAPBACKED, GFP_ANONYMOUS, payer, mayReclaim);
  }

  /** A zeroed frame for a page of a file, not up to date yet, or -1. */
  allocateCache(): Pfn | -1 {
    return this.#take(0, GFP_READAHEAD, this.#charging.payer(), 'light');
  }

  /**
   * Frames for a large folio of a file, not up to date: a naturally aligned run of 2^order, charged as a whole with what
   * readahead may do for it (readahead_gfp_mask: __GFP_NORETRY).
   * @returns the first one, or -1 when there is no such run or the cgroup has no room for it
   */
  allocateFolio(order: number): Pfn | -1 {
    const head = this.#allocator.allocate(order, MIGRATE_MOVABLE);
    if (head < 0) return -1;
    const pages = 1 << order;
    const payer = this.#charging.payer();
    if (payer !== 0 && !this.#charging.chargeFolio(payer, pages, 'once')) {
      this.#allocator.release(head as Pfn, order);
      return -1;
    }
    this.#vmstat.count(PGALLOC_DMA + this.#allocator.zoneIndex(head as Pfn), pages);
    for (let i = 0; i < pages; i++) {
      this.#table.memcg[head + i] = payer;
      this.#table.flags[head + i] = (i === 0 ? PG_HEAD : PG_TAIL) | (order << PG_ORDER_SHIFT);
      this.#table.mapcount[head + i] = 0;
    }
    return head;
  }

  /**
   * A large folio of zeros for anonymous memory (vma_alloc_folio and mem_cgroup_charge of alloc_anon_folio), or -1 when
   * there is no such run of frames, -2 when the cgroup cannot pay for it.
   * @param mayReclaim nobody has a page in his hands, and the request may wait for memory
   */
  allocateAnonFolio(order: number, mayReclaim: boolean, payer: number = this.#charging.payer()): Pfn | -1 | -2 {
    const head = this.#allocator.allocateAboveLow(order, MIGRATE_MOVABLE);
    if (head < 0) return -1;
    const pages = 1 << order;
    if (payer !== 0 && !this.#charging.chargeFolio(payer, pages, mayReclaim)) {
      this.#allocator.release(head as Pfn, order);
      return -2;
    }
    this.#vmstat.count(PGALLOC_DMA + this.#allocator.zoneIndex(head as Pfn), pages);
    this.#vmstat.count(NUMA_HIT, pages);
    this.#vmstat.count(NUMA_LOCAL, pages);
    const gfp = mayReclaim ? GFP_TRANSHUGE : GFP_TRANSHUGE_LIGHT;
    if (this.#trace.on) this.#trace.emit(KMEM_MM_PAGE_ALLOC, this.#trace.pid, head, order, gfp, MIGRATE_MOVABLE);
    const { flags, memcg, mapcount, mapping } = this.#table;
    const common = PG_UPTODATE | PG_SWAPBACKED | (order << PG_ORDER_SHIFT);
    for (let frame: number = head; frame < head + pages; frame++) {
      flags[frame] = common | (frame === head ? PG_HEAD : PG_TAIL);
      memcg[frame] = payer;
      mapcount[frame] = 0;
      mapping[frame] = 0;
    }
    return head;
  }

  #take(flags: number, gfp: number, payer: number, mayReclaim: boolean | 'light'): Pfn | -1 {
    if (payer !== 0 && !this.#charging.charge(payer, false, mayReclaim)) return -1;
    const frame = this.#allocate(MIGRATE_MOVABLE, gfp);
    if (frame < 0) return -1;
    this.#table.memcg[frame] = payer;
    this.#table.flags[frame] = flags;
    this.#table.mapcount[frame] = 0;
    this.#table.mapping[frame] = 0;
    if (mayReclaim && this.#allocator.pressure !== NO_PRESSURE) this.#charging.refill();
    return frame;
  }

  /**
   * Gives a frame back that nothing maps and no cache holds (folio_put of the last reference). The pages of a large folio
   * go together, with the last of them.
   */
  releaseUnused(frame: Pfn): void {
    if ((this.#table.mapcount[frame] as number) > 0 || this.#table.has(frame, PG_CACHED | PG_SWAPCACHE)) return;
    if (this.#table.has(frame, PG_HEAD | PG_TAIL)) {
      this.#releaseFolio(this.#table.headOf(frame));
      return;
    }
    this.#lru.remove(frame);
    this.#table.mapping[frame] = 0;
    if (this.#table.memcg[frame] !== 0) this.#charging.uncharge(frame, false);
    this.#release(frame, 0);
  }

  #releaseFolio(head: Pfn): void {
    const order = this.#table.order(head);
    const { mapcount, mapping, memcg, flags } = this.#table;
    // From the end on: who unmaps page by page goes upwards, so that the last page tells at once.
    const end = head + (1 << order);
    const kept = PG_CACHED | PG_SWAPCACHE;
    for (let frame = end - 1; frame >= head; frame--)
      if ((mapcount[frame] as number) > 0 || (flags[frame] as number) & kept) return;
    for (let frame: number = head; frame < end; frame++) {
      this.#lru.remove(frame as Pfn);
      mapping[frame] = 0;
      if (memcg[frame] !== 0) this.#charging.uncharge(frame as Pfn, false);
      flags[frame] = 0;
    }
    this.#release(head, order);
  }

  allocateTable(): Pfn | -1 {
    const payer = this.#charging.payer();
    if (payer !== 0 && !this.#charging.charge(payer, true, false)) return -1;
    const frame = this.#allocate(MIGRATE_UNMOVABLE, GFP_PGTABLE_USER);
    if (frame < 0) return -1;
    this.#vmstat.count(NR_PAGE_TABLE_PAGES);
    this.#table.flags[frame] = PG_TABLE;
    this.#table.index[frame] = 0;
    this.#table.memcg[frame] = payer;
    return frame;
  }

  releaseTable(frame: Pfn): void {
    this.#vmstat.count(NR_PAGE_TABLE_PAGES, -1);
    if (this.#table.memcg[frame] !== 0) this.#charging.uncharge(frame, true);
    this.#release(frame, 0);
  }

  /** The spare tables of a directory hang on it by its `index` column and on each other by `next`. */
  keepSpare(directory: Pfn, table: Pfn): void {
    const { index, next } = this.#table;
    next[table] = index[directory] as number;
    index[directory] = table;
  }

  takeSpare(directory: Pfn): Pfn {
    const { index, next } = this.#table;
    const table = index[directory] as number;
    if (table === 0) panic(`pgtable_trans_huge_withdraw: directory ${directory} has no spare table`);
    index[directory] = next[table] as number;
    return table as Pfn;
  }

  #allocate(type: MigrateType, gfp: number): Pfn | -1 {
    const frame = this.#allocator.allocate(0, type);
    if (frame < 0) return -1;
    this.#vmstat.count(PGALLOC_DMA + this.#allocator.zoneIndex(frame as Pfn));
    this.#vmstat.count(NUMA_HIT);
    this.#vmstat.count(NUMA_LOCAL);
    if (this.#trace.on) this.#trace.emit(KMEM_MM_PAGE_ALLOC, this.#trace.pid, frame, 0, gfp, type);
    return frame;
  }

  #release(frame: Pfn, order: number): void {
    if (this.#trace.on) this.#trace.emit(KMEM_MM_PAGE_FREE, this.#trace.pid, frame, order);
    for (let i = 0; i < 1 << order; i++) this.#memory.clear((frame + i) as Pfn);
    this.#allocator.release(frame, order);
    this.#vmstat.count(PGFREE, 1 << order);
  }
}
