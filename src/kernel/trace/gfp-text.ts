/** Request flags of the page allocator in the order in which __print_flags names them: what a name covers is not named again. */
const GFP_NAMES: readonly (readonly [flags: number, name: string])[] = [
  [0x100cca, 'GFP_HIGHUSER_MOVABLE'],
  [0x100cc2, 'GFP_HIGHUSER'],
  [0x100cc0, 'GFP_USER'],
  [0x400cc0, 'GFP_KERNEL_ACCOUNT'],
  [0xcc0, 'GFP_KERNEL'],
  [0xc40, 'GFP_NOFS'],
  [0x1 << 1, '__GFP_HIGHMEM'],
  [0x1 << 3, '__GFP_MOVABLE'],
  [0x1 << 4, '__GFP_RECLAIMABLE'],
  [0x1 << 5, '__GFP_HIGH'],
  [0x1 << 6, '__GFP_IO'],
  [0x1 << 7, '__GFP_FS'],
  [0x1 << 8, '__GFP_ZERO'],
  [0x1 << 10, '__GFP_DIRECT_RECLAIM'],
  [0x1 << 11, '__GFP_KSWAPD_RECLAIM'],
  [0x1 << 12, '__GFP_WRITE'],
  [0x1 << 13, '__GFP_NOWARN'],
  [0x1 << 16, '__GFP_NORETRY'],
  [0x1 << 18, '__GFP_COMP'],
  [0x1 << 20, '__GFP_HARDWALL'],
  [0x1 << 22, '__GFP_ACCOUNT'],
];

/** `GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP` (include/trace/events/mmflags.h). */
export function gfpText(flags: number): string {
  let left = flags;
  const names: string[] = [];
  for (const [covered, name] of GFP_NAMES) {
    if ((left & covered) !== covered) continue;
    names.push(name);
    left &= ~covered;
  }
  if (left !== 0) names.push(`0x${left.toString(16)}`);
  return names.join('|') || 'none';
}
