import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { PageOps } from '../address-space/page-ops.ts';
import { VM_HUGETLB } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import type { Populate } from '../fault/populate.ts';
import type { Task } from '../process/process.ts';
import { splitLeafAt } from '../thp/huge-entries.ts';
import { lockRange } from './lock-pages.ts';
import { moveRange } from './move.ts';
import { protectRange } from './protect.ts';
import { zapRange } from './zap.ts';

/** What system calls on mappings do to pages and page tables. */
export class PageOperations implements PageOps {
  readonly #core: PageCore;
  readonly #populate: Populate;

  constructor(core: PageCore, populate: Populate) {
    this.#core = core;
    this.#populate = populate;
  }

  zap(vma: Vma, start: Vpn, end: Vpn, dropMarkers: boolean): void {
    if (vma.flags & VM_HUGETLB) this.#core.hugetlb.unmap(vma, start, end);
    else zapRange(this.#core, vma, start, end, dropMarkers);
  }

  freeTables(mm: Mm, start: Vpn, end: Vpn, floor: number, ceiling: number): void {
    this.#core.pageTables.freeRange(mm, start, end, vpn(floor), vpn(ceiling));
  }

  splitHugeAt(vma: Vma, border: Vpn): void {
    splitLeafAt(this.#core, vma, border);
  }

  protect(vma: Vma, start: Vpn, end: Vpn): void {
    if (vma.flags & VM_HUGETLB) this.#core.hugetlb.protect(vma, start, end);
    else protectRange(this.#core, vma, start, end);
  }

  move(from: Vma, start: Vpn, to: Vma, newStart: Vpn, pages: number): number {
    if (from.flags & VM_HUGETLB) return this.#core.hugetlb.move(from, start, to, newStart, pages);
    return moveRange(this.#core, from, start, to, newStart, pages);
  }

  populate(task: Task, vma: Vma, start: Vpn, end: Vpn, resumes = false): number {
    return this.#populate.vma(task, vma, start, end, resumes);
  }

  populateRange(task: Task, vma: Vma, start: Vpn, end: Vpn, write: boolean): number {
    return this.#populate.range(task, vma, start, end, write);
  }

  lockPages(vma: Vma, start: Vpn, end: Vpn): void {
    lockRange(this.#core, vma, start, end, true);
  }

  unlockPages(vma: Vma, start: Vpn, end: Vpn): void {
    lockRange(this.#core, vma, start, end, false);
  }

  cloneAnonVmas(from: Vma, to: Vma): void {
    this.#core.anonVmas.clone(from, to);
  }

  unlinkAnonVmas(vma: Vma): void {
    this.#core.anonVmas.unlink(vma);
  }

  prepareAnonVma(vma: Vma): void {
    this.#core.anonVmas.prepare(vma);
  }
}
