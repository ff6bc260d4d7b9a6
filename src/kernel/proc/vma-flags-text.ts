import * as vm from '../address-space/vm-flags.ts';

/**
 * The two letters of each flag in the order in which smaps prints them, that of the kernel's bits (show_smap_vma_flags in
 * fs/proc/task_mmu.c; our bits lie elsewhere). `ar`, `sf`, `um`, `uw`, `ss` and `sl` stand for flags that no mapping has here.
 */
const LETTERS: readonly (readonly [flag: number, letters: string])[] = [
  [vm.VM_READ, 'rd'],
  [vm.VM_WRITE, 'wr'],
  [vm.VM_EXEC, 'ex'],
  [vm.VM_SHARED, 'sh'],
  [vm.VM_MAYREAD, 'mr'],
  [vm.VM_MAYWRITE, 'mw'],
  [vm.VM_MAYEXEC, 'me'],
  [vm.VM_MAYSHARE, 'ms'],
  [vm.VM_GROWSDOWN, 'gd'],
  [vm.VM_PFNMAP, 'pf'],
  [vm.VM_MAYBE_GUARD, 'gu'],
  [vm.VM_LOCKED, 'lo'],
  [vm.VM_IO, 'io'],
  [vm.VM_SEQ_READ, 'sr'],
  [vm.VM_RAND_READ, 'rr'],
  [vm.VM_DONTCOPY, 'dc'],
  [vm.VM_DONTEXPAND, 'de'],
  [vm.VM_LOCKONFAULT, 'lf'],
  [vm.VM_ACCOUNT, 'ac'],
  [vm.VM_NORESERVE, 'nr'],
  [vm.VM_HUGETLB, 'ht'],
  [vm.VM_WIPEONFORK, 'wf'],
  [vm.VM_DONTDUMP, 'dd'],
  [vm.VM_MIXEDMAP, 'mm'],
  [vm.VM_HUGEPAGE, 'hg'],
  [vm.VM_NOHUGEPAGE, 'nh'],
  [vm.VM_MERGEABLE, 'mg'],
  [vm.VM_DROPPABLE, 'dp'],
];

/** A mapping's flags as smaps names them, separated by blanks: `rd wr mr mw me ac`. */
export const vmFlagsText = (flags: number): string =>
  LETTERS.filter(([flag]) => (flags & flag) !== 0)
    .map(([, letters]) => letters)
    .join(' ');
