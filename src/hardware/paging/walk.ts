import type { PhysicalMemory } from '../physical-memory.ts';
import type { ProcessorModel } from '../processors/processor-model.ts';
import {
  FETCH,
  FLAG_DIRTY,
  FLAG_KEY_SHIFT,
  FLAG_NX,
  FLAG_PCID_SHIFT,
  FLAG_SIZE_SHIFT,
  FLAG_WRITE,
  PAGES_PER_SIZE,
  pcidCount,
  SIZE_1G,
  SIZE_2M,
  SIZE_4K,
  STORE,
} from '../tlb/translation.ts';
import type { Pfn } from '../units.ts';
import {
  entryFrame,
  PF_FETCH,
  PF_PRESENT,
  PF_PROTECTION_KEY,
  PF_RESERVED,
  PF_USER,
  PF_WRITE,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GLOBAL,
  PTE_HI_PKEY_MASK,
  PTE_HI_PKEY_SHIFT,
  PTE_HUGE,
  PTE_PRESENT,
  PTE_USER,
  PTE_WRITE,
} from './entry.ts';
import { keyRefuses } from './protection-keys.ts';
import { WalkCaches } from './walk-caches.ts';

/** Levels by what their entries point to: a page, a page table, a page directory, ... */
const LEVEL_PTE = 0;
const LEVEL_PDE = 1;
const LEVEL_PDPTE = 2;
const MAX_LEVELS = 5;

/**
 * The page walk (SDM vol. 3, 4.5-4.8): from CR3 through four or five levels of tables in physical memory, as a user
 * access with CR0.WP, EFER.NXE and CR4.PKE set, as Linux sets them.
 *
 * What the entries allow is the AND of all levels; accessed and dirty bits are written only when the access is
 * allowed. The result is left in fields, so that a walk allocates nothing.
 */
export class PageWalker {
  /** After a walk without fault: the first frame of the page, of whatever size. */
  frame = 0;
  /** After a walk without fault: what a TLB keeps of it (FLAG_*, with size and PCID). */
  flags = 0;
  /** Entries read from memory by the last walk. */
  steps = 0;
  /** The last walk began below the root, at a table that a page-walk cache knew. */
  shortened = false;

  readonly caches: WalkCaches;
  readonly #memory: PhysicalMemory;
  readonly #levels: number;
  /** Page numbers below this are the user half. */
  readonly #userPages: number;
  readonly #reservedHi: number;
  readonly #gigabytePages: boolean;
  readonly #globalPcid: number;
  /** Where the walk has read an entry, by level, for the accessed bits. */
  readonly #tables = new Int32Array(MAX_LEVELS);
  readonly #rights = new Int32Array(MAX_LEVELS);

  constructor(memory: PhysicalMemory, model: ProcessorModel, levels: 4 | 5) {
    this.#memory = memory;
    this.#levels = levels;
    this.#userPages = 2 ** (9 * levels - 1);
    this.#reservedHi = 0xfffff & ~(2 ** (model.physicalBits - 32) - 1);
    this.#gigabytePages = model.gigabytePages;
    this.#globalPcid = pcidCount(levels);
    this.caches = new WalkCaches(model.walkCaches, levels);
  }

  /**
   * Walks for one user access. Returns the frame of the 4 KiB page, or -(error code + 1).
   * Nothing is mapped for the user in the kernel's half, and the simulated kernel keeps no tables of its own, so a
   * page there is answered as not present. Throws RangeError when an entry points outside the memory.
   */
  walk(root: Pfn, page: number, kind: number, pcid: number, pkru: number, now: number): number {
    this.shortened = false;
    if (page >= this.#userPages) return this.#refuse(0, kind, 0);
    const caches = this.caches;
    let level = this.#levels - 1;
    let table: number = root;
    let rights = FLAG_WRITE;
    const cached = caches.find(page, pcid, now);
    if (cached >= 0) {
      level = cached;
      table = caches.table;
      rights = caches.rights;
      this.shortened = true;
    }
    const top = level;
    const upper = Math.floor(page / 2 ** 18);
    const lower = page & 0x3ffff;
    const memory = this.#memory;
    const tables = this.#tables;
    const allRights = this.#rights;
    let user = PTE_USER;
    let unaccessed = 0;
    let lo = 0;
    let hi = 0;
    let index = 0;
    for (; ; level--) {
      if (table >= memory.frames) throw new RangeError(`PageWalker: a table at frame ${table} of ${memory.frames}`);
      index = level < LEVEL_PDPTE ? (lower >>> (9 * level)) & 511 : (upper >>> (9 * (level - 2))) & 511;
      lo = memory.lo(table as Pfn, index);
      hi = memory.hi(table as Pfn, index);
      if ((lo & PTE_PRESENT) === 0) return this.#refuse(0, kind, top - level + 1);
      if ((hi & this.#reservedHi) !== 0 || (level > LEVEL_PTE && (lo & PTE_HUGE) !== 0 && this.#isOddSize(lo, level)))
        return this.#refuse(PF_PRESENT | PF_RESERVED, kind, top - level + 1);
      rights = (rights & (lo | ~PTE_WRITE)) | (hi >>> 31);
      user &= lo;
      if ((lo & PTE_ACCESSED) === 0) unaccessed |= 1 << level;
      tables[level] = table;
      if (level === LEVEL_PTE || (lo & PTE_HUGE) !== 0) break;
      allRights[level] = rights;
      table = entryFrame(lo, hi);
    }

    this.steps = top - level + 1;
    const key = (hi & PTE_HI_PKEY_MASK) >>> PTE_HI_PKEY_SHIFT;
    const keyFault = kind !== FETCH && keyRefuses(pkru, key, kind === STORE) ? PF_PROTECTION_KEY : 0;
    if (
      user === 0 ||
      keyFault !== 0 ||
      (kind === STORE && (rights & FLAG_WRITE) === 0) ||
      (kind === FETCH && (rights & FLAG_NX) !== 0)
    )
      return this.#refuse(PF_PRESENT | keyFault, kind, this.steps);

    if (kind === STORE && (lo & PTE_DIRTY) === 0) {
      lo |= PTE_DIRTY;
      unaccessed |= 1 << level;
    }
    if (unaccessed !== 0) {
      if ((unaccessed & (1 << level)) !== 0) memory.write(table as Pfn, index, lo | PTE_ACCESSED, hi);
      if (unaccessed >>> (level + 1) !== 0) this.#markTables(page, unaccessed, level + 1, top);
    }
    if (top > level) caches.beforeKeep(level);
    for (let used = top; used > level; used--)
      caches.keep(used, page, this.#tables[used - 1], this.#rights[used], pcid, now);

    const size = level === LEVEL_PTE ? SIZE_4K : level === LEVEL_PDE ? SIZE_2M : SIZE_1G;
    const pages = PAGES_PER_SIZE[size];
    const global = (lo & PTE_GLOBAL) !== 0;
    this.frame = entryFrame(lo, hi) & -pages;
    this.flags =
      rights |
      (lo & (FLAG_DIRTY | PTE_GLOBAL)) |
      (size << FLAG_SIZE_SHIFT) |
      (key << FLAG_KEY_SHIFT) |
      ((global ? this.#globalPcid : pcid) << FLAG_PCID_SHIFT);
    return this.frame + (lower & (pages - 1));
  }

  /** Sets the accessed bits of the entries above the leaf. */
  #markTables(page: number, unaccessed: number, from: number, top: number): void {
    for (let level = from; level <= top; level++) {
      if ((unaccessed & (1 << level)) === 0) continue;
      const table = this.#tables[level] as Pfn;
      const index = Math.floor(page / 2 ** (9 * level)) & 511;
      this.#memory.write(table, index, this.#memory.lo(table, index) | PTE_ACCESSED, this.#memory.hi(table, index));
    }
  }

  /**
   * Whether an entry for a large page has reserved bits set: the size bit where no such size exists, or the low frame
   * bits, but for the PAT bit 12 (SDM vol. 3, tables 4-15 to 4-20).
   */
  #isOddSize(lo: number, level: number): boolean {
    if (level === LEVEL_PDE) return (lo & 0x1fe000) !== 0;
    return level !== LEVEL_PDPTE || !this.#gigabytePages || (lo & 0x3fffe000) !== 0;
  }

  /** A page fault's answer, -(error code + 1), after so many entries read. */
  #refuse(code: number, kind: number, steps: number): number {
    this.steps = steps;
    const access = kind === STORE ? PF_WRITE : kind === FETCH ? PF_FETCH : 0;
    return -((code | PF_USER | access) + 1);
  }
}
