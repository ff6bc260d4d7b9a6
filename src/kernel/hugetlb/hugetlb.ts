/**
 * Huge pages that the administrator sets aside (mm/hugetlb.c): pools of 2 MiB and 1 GiB pages, who was promised which, and
 * mappings of them. They are never swapped, never reclaimed, and in no process's resident set.
 */
import { PAGE_SIZE, type Pfn, type Vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { EINVAL } from '../errno.ts';
import type { Inode } from '../page-cache/inode.ts';
import { PMD_LEVEL, PMD_PAGES, PUD_LEVEL, PUD_PAGES } from '../page-table/table-walk.ts';
import { panic } from '../panic.ts';
import type { Task } from '../process/process.ts';
import { HugeFaults } from './fault.ts';
import { Hstate } from './hstate.ts';
import type { HugeInode, HugePool } from './huge-inode.ts';
import { HugePages } from './huge-pages.ts';
import { Hugetlbfs } from './hugetlbfs.ts';
import { Reservations, type ReservationsState } from './reservations.ts';
import { ReserveMap } from './reserve-map.ts';
import { Subpool } from './subpool.ts';
import { copyHuge, HugeUnmap, hugeResidency, moveHuge, protectHuge } from './unmap.ts';

/** What the pools need of others. */
export interface HugetlbNeeds {
  /** Frees some memory; how many pages it was. */
  reclaim(): number;
  /** A line of the kernel's log. */
  log(line: string): void;
}

/** Mount options of hugetlbfs, in bytes. */
export interface HugetlbMount {
  /** 2 MiB unless it is given. */
  readonly pageSize?: number;
  /** The most that the mount's files may hold, reservations included. */
  readonly size?: number;
  /** What is reserved for them from the beginning. */
  readonly minSize?: number;
}

/** mmap and memfd_create have the logarithm of the page size in bits 26 to 31 of their flags (MAP_HUGE_SHIFT). */
const SIZE_SHIFT = 26;
const SIZE_MASK = 0x3f;

export class Hugetlb {
  /** The pools, that of 2 MiB pages (default_hstate) first. */
  readonly hstates: readonly Hstate[];
  readonly default: Hstate;
  readonly files: Hugetlbfs;
  readonly reservations: Reservations = new Reservations();
  readonly #core: PageCore;
  readonly #pages: HugePages;
  readonly #unmap: HugeUnmap;
  readonly #faults: HugeFaults;
  readonly #subpools = new Map<number, Subpool>();

  constructor(core: PageCore, needs: HugetlbNeeds) {
    this.#core = core;
    this.#pages = new HugePages(core, () => needs.reclaim());
    this.default = new Hstate(PMD_PAGES, PMD_LEVEL, this.#pages);
    this.hstates = [this.default, new Hstate(PUD_PAGES, PUD_LEVEL, this.#pages)];
    this.#unmap = new HugeUnmap(core, this.reservations);
    this.files = new Hugetlbfs(core, this.#pages, this.reservations, this.#unmap);
    this.#faults = new HugeFaults(core, this.#pages, this.reservations, this.#unmap, this.files, needs.log);
  }

  get subpools(): Iterable<Subpool> {
    return this.#subpools.values();
  }

  /** Frames in all pools (hugetlb_total_pages). */
  get totalPages(): number {
    return this.hstates.reduce((sum, { total, pages }) => sum + total * pages, 0);
  }

  /** The pool of the page size that mmap's or memfd_create's flags name (hstate_sizelog); undefined when there is none. */
  hstateOfFlags(flags: number): Hstate | undefined {
    const log = (flags >>> SIZE_SHIFT) & SIZE_MASK;
    return log === 0 ? this.default : this.hstates.find(({ pages }) => pages * PAGE_SIZE === 2 ** log);
  }

  /** What a new file of such pages has beside its inode. */
  newFile(pool: HugePool, reservedAhead = false): HugeInode {
    return { ...pool, reservedAhead, pages: new Map(), reserves: new ReserveMap(0) };
  }

  /**
   * The pool of a new mount (hugetlbfs_fill_super) with its limits `size=` and `min_size=`, in bytes.
   * @returns -EINVAL for a page size without a pool, or when it has too little for `minSize`
   */
  newMount({ pageSize = PMD_PAGES * PAGE_SIZE, size, minSize }: HugetlbMount): HugePool | number {
    const hstate = this.hstates.find(({ pages }) => pages * PAGE_SIZE === pageSize);
    if (hstate === undefined) return -EINVAL;
    if (size === undefined && minSize === undefined) return { hstate, subpool: undefined };
    const inPages = (bytes: number | undefined) => (bytes === undefined ? -1 : Math.floor(bytes / pageSize));
    const max = inPages(size);
    const min = inPages(minSize);
    if (max >= 0 && min > max) return -EINVAL;
    if (min > 0 && hstate.reserve(min) !== 0) return -EINVAL;
    const subpool = new Subpool(this.#subpools.size + 1, hstate, max, min);
    this.#subpools.set(subpool.id, subpool);
    return { hstate, subpool };
  }

  fault(task: Task, vma: Vma, page: Vpn, flags: number): number {
    return this.#faults.fault(task, vma, page, flags);
  }

  /** Drops what a range has mapped (unmap_hugepage_range). */
  unmap(vma: Vma, start: Vpn, end: Vpn): void {
    this.#unmap.range(vma, start, end);
  }

  copy(from: Vma, to: Vma): boolean {
    return copyHuge(this.#core, from, to);
  }

  protect(vma: Vma, start: Vpn, end: Vpn): void {
    protectHuge(this.#core, vma, start, end);
  }

  move(from: Vma, start: Vpn, to: Vma, newStart: Vpn, pages: number): number {
    return moveHuge(this.#core, from, start, to, newStart, pages);
  }

  residency(vma: Vma, start: Vpn, end: Vpn, into: Uint8Array, at: number): void {
    hugeResidency(this.#core, vma, start, end, into, at);
  }

  save(): HugetlbState {
    return {
      hstates: this.hstates.map(({ total, reserved, surplus, overcommit, max, mostWanted, free, inUse }) => ({
        counts: [total, reserved, surplus, overcommit, max, mostWanted],
        free: [...free],
        inUse: [...inUse].map(([head, { restoreReserve, subpool }]) => [head, restoreReserve, subpool?.id ?? 0]),
      })),
      reservations: this.reservations.save(),
      subpools: [...this.#subpools.values()].map(({ id, hstate, max, min, used, reserved }) => [
        id,
        this.hstates.indexOf(hstate),
        max,
        min,
        used,
        reserved,
      ]),
    };
  }

  restore(state: HugetlbState): void {
    this.#subpools.clear();
    for (const [id, size, max, min, used, reserved] of state.subpools) {
      const hstate = this.hstates[size] ?? panic('restore: a mount of unknown huge pages');
      this.#subpools.set(id, Object.assign(new Subpool(id, hstate, max, min), { used, reserved }));
    }
    this.reservations.load(state.reservations);
    state.hstates.forEach(({ counts, free, inUse }, i) => {
      const hstate = this.hstates[i] ?? panic('restore: a pool of unknown huge pages');
      const [total, reserved, surplus, overcommit, max, mostWanted] = counts;
      Object.assign(hstate, { total, reserved, surplus, overcommit, max, mostWanted });
      hstate.free.splice(0, hstate.free.length, ...free);
      hstate.inUse.clear();
      for (const [head, restoreReserve, subpool] of inUse)
        hstate.inUse.set(head, { restoreReserve, subpool: this.#subpools.get(subpool) });
    });
  }

  /** What a snapshot keeps of a mount's pool, and back. */
  savePool({ hstate, subpool }: HugePool): HugePoolState {
    return { pages: hstate.pages, subpool: subpool?.id ?? 0 };
  }

  restorePool(state: HugePoolState): HugePool {
    const hstate = this.hstates.find(({ pages }) => pages === state.pages) ?? panic('restore: unknown huge pages');
    return { hstate, subpool: this.#subpools.get(state.subpool) };
  }

  /** The same of a file beside its inode. */
  saveFile(file: HugeInode): HugeInodeState {
    const { reservedAhead } = file;
    return { ...this.savePool(file), reservedAhead, heads: [...file.pages], reserved: file.reserves.ranges() };
  }

  restoreFile(state: HugeInodeState): NonNullable<Inode['huge']> {
    const file = this.newFile(this.restorePool(state), state.reservedAhead);
    for (const [index, head] of state.heads) file.pages.set(index, head);
    for (const [from, to] of state.reserved) file.reserves.add(from, to);
    return file;
  }
}

export interface HugetlbState {
  readonly hstates: readonly {
    /** total, reserved, surplus, overcommit, max, mostWanted */
    readonly counts: readonly number[];
    readonly free: readonly Pfn[];
    readonly inUse: readonly (readonly [head: Pfn, restoreReserve: boolean, subpool: number])[];
  }[];
  readonly reservations: ReservationsState;
  /** id, which pool, max, min, used, reserved */
  readonly subpools: readonly (readonly [number, number, number, number, number, number])[];
}

export interface HugePoolState {
  /** Frames of one huge page. */
  readonly pages: number;
  /** Number of the mount's limits, 0 for none. */
  readonly subpool: number;
}

export interface HugeInodeState extends HugePoolState {
  readonly reservedAhead: boolean;
  readonly heads: readonly (readonly [index: number, head: Pfn])[];
  readonly reserved: readonly (readonly [from: number, to: number])[];
}
