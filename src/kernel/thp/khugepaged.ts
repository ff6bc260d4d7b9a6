/** The daemon that makes huge pages of small ones, a few blocks every ten seconds (mm/khugepaged.c). */
import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { type Collapser, collapseBlock, SCAN_ALLOC_HUGE_PAGE_FAIL, SCAN_SUCCEED } from './collapse.ts';
import { isAllowed, TVA_KHUGEPAGED } from './eligible.ts';
import { PMD_ORDER, pmdEnabled } from './settings.ts';

const NS_PER_MS = 1e6;

export class Khugepaged {
  /** Blocks that it has collapsed, and how often it has been through all address spaces. */
  pagesCollapsed = 0;
  fullScans = 0;
  readonly #core: PageCore;
  /** Brings pages in from swap; set by the kernel when it is whole. */
  swapIn: Collapser['swapIn'] = () => false;
  /** Address spaces that had memory fit for huge pages once; they stay until they end. */
  #mms: Mm[] = [];
  /** Where it is: which of them, and the page from which on it looks there. */
  #at = 0;
  #page = 0;
  /** When it looks next, in ns; -1 while it waits for an address space. */
  #due = -1;
  /** Timers that were set before are out of date when this has moved on. */
  #turn = 0;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** A mapping may have huge pages: its address space is looked at from now on (khugepaged_enter_vma). */
  enter(vma: Vma): void {
    const { settings } = this.#core.thp;
    if (this.#mms.includes(vma.mm) || !pmdEnabled(settings)) return;
    if (!isAllowed(settings, vma, PMD_ORDER, TVA_KHUGEPAGED)) return;
    this.#mms.push(vma.mm);
    // An empty list is what it slept for.
    if (this.#mms.length === 1) this.#wakeAt(this.#core.clock.now);
  }

  /** A file of sysfs was written: who sleeps looks whether it should go on (khugepaged_should_wakeup). */
  settingsChanged(): void {
    if (this.#mms.length === 0) return;
    const { scanSleepMillisecs } = this.#core.thp.settings.khugepaged;
    const soon = this.#core.clock.now + scanSleepMillisecs * NS_PER_MS;
    if (this.#due < 0 || soon < this.#due) this.#wakeAt(soon);
  }

  #wakeAt(due: number): void {
    this.#due = due;
    const turn = ++this.#turn;
    this.#core.clock.at(due, () => {
      if (turn === this.#turn) this.#run();
    });
  }

  /** One turn (khugepaged_do_scan): `pages_to_scan` pages, then sleep. */
  #run(): void {
    const { khugepaged: limits } = this.#core.thp.settings;
    this.#due = -1;
    this.#forgetEnded();
    if (this.#mms.length === 0 || !pmdEnabled(this.#core.thp.settings)) return;
    let sleep = limits.scanSleepMillisecs;
    let passes = 0;
    for (let progress = 0; progress < limits.pagesToScan && passes < 2; ) {
      const before = this.fullScans;
      const scanned = this.#scanSome(limits.pagesToScan - progress);
      progress += Math.max(1, scanned.pages);
      if (this.fullScans > before) passes++;
      if (!scanned.allocationFailed) continue;
      sleep = Math.max(limits.allocSleepMillisecs, sleep);
      break;
    }
    this.#wakeAt(this.#core.clock.now + Math.max(sleep, 1) * NS_PER_MS);
  }

  /** Goes on in one address space until it has collapsed something or looked at enough (collapse_scan_mm_slot). */
  #scanSome(most: number): { pages: number; allocationFailed: boolean } {
    const mm = this.#mms[this.#at];
    let pages = 1;
    if (mm !== undefined) {
      for (let vma = mm.vmas.find(this.#page); vma !== undefined; vma = mm.vmas.next(vma)) {
        if (!isAllowed(this.#core.thp.settings, vma, PMD_ORDER, TVA_KHUGEPAGED)) {
          pages++;
          continue;
        }
        const end = vma.end - (vma.end % PMD_PAGES);
        this.#page = Math.max(this.#page, Math.ceil(vma.start / PMD_PAGES) * PMD_PAGES);
        while (this.#page < end) {
          const result = this.#collapse(vma, vpn(this.#page));
          this.#page += PMD_PAGES;
          pages += PMD_PAGES;
          if (result === SCAN_SUCCEED || result === SCAN_ALLOC_HUGE_PAGE_FAIL)
            return { pages, allocationFailed: result !== SCAN_SUCCEED };
          if (pages >= most) return { pages, allocationFailed: false };
        }
      }
    }
    this.#page = 0;
    this.#at++;
    if (this.#at < this.#mms.length) return { pages, allocationFailed: false };
    this.#at = 0;
    this.fullScans++;
    return { pages, allocationFailed: false };
  }

  #collapse(vma: Vma, first: Vpn): number {
    this.#core.lru.drain();
    const result = collapseBlock(this.#core, vma, first, { isKhugepaged: true, swapIn: this.swapIn });
    if (result === SCAN_SUCCEED) this.pagesCollapsed++;
    return result;
  }

  #forgetEnded(): void {
    const now = this.#mms[this.#at];
    this.#mms = this.#mms.filter((mm) => mm.users > 0);
    const at = now === undefined ? 0 : this.#mms.indexOf(now);
    if (at >= 0) this.#at = at;
    else {
      this.#at = Math.min(this.#at, Math.max(0, this.#mms.length - 1));
      this.#page = 0;
    }
  }

  save(): KhugepagedState {
    const { pagesCollapsed, fullScans } = this;
    const mms = this.#mms.filter((mm) => mm.users > 0).map((mm) => mm.id);
    return { pagesCollapsed, fullScans, mms, at: this.#at, page: this.#page, due: this.#due };
  }

  /** Takes the saved state, but for the address spaces: `restoreMms` brings them when they are there. */
  restore(state: KhugepagedState): void {
    this.pagesCollapsed = state.pagesCollapsed;
    this.fullScans = state.fullScans;
    this.#at = state.at;
    this.#page = state.page;
    this.#mms = [];
    if (state.due >= 0) this.#wakeAt(state.due);
  }

  restoreMms(state: KhugepagedState, mmOf: (id: number) => Mm | undefined): void {
    this.#mms = state.mms.map(mmOf).filter((mm) => mm !== undefined);
  }
}

export interface KhugepagedState {
  readonly pagesCollapsed: number;
  readonly fullScans: number;
  readonly mms: readonly number[];
  readonly at: number;
  readonly page: number;
  readonly due: number;
}
