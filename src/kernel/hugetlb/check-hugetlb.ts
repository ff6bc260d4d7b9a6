import type { Pfn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import { VM_HUGETLB } from '../address-space/vm-flags.ts';
import type { PageCore } from '../core.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { Hstate } from './hstate.ts';
import { hstateOf, hugeIndex } from './huge-inode.ts';
import { forEachHuge } from './unmap.ts';

/** What the check reads. */
interface Checked extends PageCore {
  readonly files: { readonly inodes: Iterable<Inode> };
}

/**
 * Every page of the pools is free, in a file or mapped, as often as its map count says; who uses pages is counted; and a
 * pool has at least as many free pages as it has promised.
 * @returns each violation as a sentence
 */
export function checkHugetlb(kernel: Checked, mms: Iterable<Mm>): string[] {
  const wrong: string[] = [];
  const mapped = new Map<Pfn, number>();
  const promised = new Map(kernel.hugetlb.hstates.map((hstate) => [hstate, 0]));
  const promise = (hstate: Hstate, pages: number) => promised.set(hstate, (promised.get(hstate) ?? 0) + pages);
  for (const mm of mms) checkMappings(kernel, mm, mapped, promise, wrong);
  const inFiles = new Set<Pfn>();
  for (const { huge } of kernel.files.inodes) {
    for (const head of huge?.pages.values() ?? []) inFiles.add(head);
    if (huge !== undefined) promise(huge.hstate, huge.reserves.count(0, Number.POSITIVE_INFINITY) - huge.pages.size);
  }
  for (const { hstate, reserved } of kernel.hugetlb.subpools) promise(hstate, reserved);
  for (const hstate of kernel.hugetlb.hstates) {
    const { total, free, reserved, surplus, inUse, pages } = hstate;
    // A page that its owner has given up while a child still has it: its promise is counted when it is freed.
    const early = [...inUse.values()].filter(({ restoreReserve }) => restoreReserve).length;
    const expected = (promised.get(hstate) ?? 0) - early;
    if (reserved !== expected) wrong.push(`pool of ${pages} frames: ${reserved} promised, recounted ${expected}`);
    const name = `pool of ${pages} frames`;
    if (total !== free.length + inUse.size)
      wrong.push(`${name}: ${total} pages, ${free.length} free, ${inUse.size} used`);
    if (reserved > free.length) wrong.push(`${name}: ${reserved} promised, ${free.length} free`);
    if (surplus < 0 || surplus > total) wrong.push(`${name}: ${surplus} surplus pages of ${total}`);
    for (const head of inUse.keys()) {
      const count = mapped.get(head) ?? 0;
      if (kernel.table.mapcount[head] !== count)
        wrong.push(`huge page ${head}: map count ${kernel.table.mapcount[head]}, the page tables have ${count}`);
      if (count === 0 && !inFiles.has(head)) wrong.push(`huge page ${head} is lost: neither mapped nor in a file`);
    }
  }
  return wrong;
}

function checkMappings(
  kernel: PageCore,
  mm: Mm,
  mapped: Map<Pfn, number>,
  promise: (hstate: Hstate, pages: number) => void,
  wrong: string[],
): void {
  let pages = 0;
  for (const vma of mm.vmas) {
    if ((vma.flags & VM_HUGETLB) === 0) continue;
    const first = hugeIndex(vma, vma.start);
    promise(hstateOf(vma), vma.reserves?.missing(first, first + vma.pages / hstateOf(vma).pages) ?? 0);
    forEachHuge(kernel, vma, vma.start, vma.end, (_slot, _first, head) => {
      mapped.set(head, (mapped.get(head) ?? 0) + 1);
      pages += vma.file?.inode.huge?.hstate.pages ?? 0;
    });
  }
  if (pages !== mm.hugetlbPages) wrong.push(`mm ${mm.id}: hugetlb_usage ${mm.hugetlbPages}, recounted ${pages}`);
}
