/**
 * The head of a report: who asked, and on what way (dump_stack in lib/dump_stack.c). The machine has no kernel stack:
 * the functions are those of Linux 6.18 on the way that was modelled, without what a compiler leaves over (`?` lines)
 * and without registers. Every function stands at +0x0/0x0, which no real one does.
 */
import { gfpText } from '../../trace/gfp-text.ts';
import type { AllocationPoint, OomControl } from '../oom-control.ts';

/** What the lines of a simulated kernel say it is. */
const RELEASE = '6.18.0-faultline #1 PREEMPT(none) ';
const HARDWARE = 'Hardware name: Faultline simulated x86-64';

const FAULT = ['__handle_mm_fault', 'handle_mm_fault', 'do_user_addr_fault', 'exc_page_fault', 'asm_exc_page_fault'];
const FOLIO: Readonly<Record<AllocationPoint, string>> = {
  fault: 'vma_alloc_folio_noprof',
  populate: 'vma_alloc_folio_noprof',
  read: 'folio_alloc_noprof',
  write: 'folio_alloc_noprof',
  fork: 'pte_alloc_one',
};
const SYSTEM_CALL = ['do_syscall_64', 'entry_SYSCALL_64_after_hwframe'];
const POPULATE = ['__handle_mm_fault', 'handle_mm_fault', '__get_user_pages', 'populate_vma_page_range'];

/** From the function that wants a page outwards. */
const WAYS: Readonly<Record<AllocationPoint, readonly string[]>> = {
  fault: ['do_anonymous_page', ...FAULT],
  populate: ['do_anonymous_page', ...POPULATE, '__mm_populate', 'vm_mmap_pgoff', ...SYSTEM_CALL],
  read: ['filemap_get_pages', 'filemap_read', 'vfs_read', 'ksys_read', ...SYSTEM_CALL],
  write: ['generic_perform_write', 'vfs_write', 'ksys_write', ...SYSTEM_CALL],
  fork: ['__pte_alloc', 'copy_page_range', 'dup_mmap', 'copy_process', 'kernel_clone', ...SYSTEM_CALL],
};

const ALLOCATION = ['__alloc_pages_slowpath.constprop.0', '__alloc_frozen_pages_noprof', 'alloc_pages_mpol'];
const CHARGE = ['mem_cgroup_out_of_memory', 'try_charge_memcg', 'charge_memcg', '__mem_cgroup_charge'];
const LIMIT_LOWERED = ['mem_cgroup_out_of_memory', 'memory_max_write', 'cgroup_file_write', 'vfs_write', 'ksys_write'];

function way({ group, point, task }: OomControl): readonly string[] {
  if (group === undefined) return [...ALLOCATION, FOLIO[point], ...WAYS[point]];
  return task === undefined ? [...LIMIT_LOWERED, ...SYSTEM_CALL] : [...CHARGE, ...WAYS[point]];
}

/**
 * The lines of dump_stack.
 * @param above functions between dump_stack and the allocation, the innermost first
 */
export function stackLines(control: OomControl, cpu: number, above: readonly string[]): string[] {
  const process = control.task?.process;
  const functions = ['dump_stack_lvl', ...above, ...way(control)];
  return [
    `CPU: ${cpu} UID: ${process?.credentials.uid ?? 0} PID: ${process?.pid ?? 0} Comm: ${process?.comm ?? 'kernel'} Not tainted ${RELEASE}`,
    HARDWARE,
    'Call Trace:',
    ' <TASK>',
    ...functions.map((name) => ` ${name}+0x0/0x0`),
    ' </TASK>',
  ];
}

/** `NAME invoked oom-killer: ...`, the line with which every report begins. */
export function invokedLine({ task, gfpMask, order }: OomControl): string {
  const { comm, oomScoreAdj } = task?.process ?? { comm: 'kernel', oomScoreAdj: 0 };
  const mask = `gfp_mask=0x${gfpMask.toString(16)}(${gfpText(gfpMask)})`;
  return `${comm} invoked oom-killer: ${mask}, order=${order}, oom_score_adj=${oomScoreAdj}`;
}
