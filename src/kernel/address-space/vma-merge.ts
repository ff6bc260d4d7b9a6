/**
 * Neighbouring mappings that look the same become one (mm/vma.c). A merge may not lose what a page needs to find its
 * mappings again: the file offset must run on, and the anon_vmas must be one, or at most one of the two has any.
 */
import type { Vpn } from '../../hardware/units.ts';
import type { File } from '../page-cache/file.ts';
import type { AnonVma } from '../rmap/anon-vma.ts';
import type { AddressSpaceContext } from './context.ts';
import type { Mm } from './mm.ts';
import { VM_MAYBE_GUARD, VM_SPECIAL } from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { indexOf } from './vma.ts';
import { splitVma, unlinkVma } from './vma-split.ts';

/** Flags that do not keep mappings apart: the merged one has them if a part had (VM_STICKY). */
const VM_STICKY: number = VM_MAYBE_GUARD;

/** A range and the properties that it will have (struct vma_merge_struct). */
export interface MergeRange {
  readonly mm: Mm;
  readonly start: Vpn;
  readonly end: Vpn;
  readonly flags: number;
  readonly pgoff: number;
  readonly file: File | undefined;
  readonly anonVma: AnonVma | undefined;
  /** The mapping whose pages the range will have: the one that changes, or mremap's source. */
  readonly source: Vma | undefined;
}

/** The range of a mapping whose flags are about to change. */
export const rangeOf = (vma: Vma, start: Vpn, end: Vpn, flags: number): MergeRange => ({
  mm: vma.mm,
  start,
  end,
  flags,
  pgoff: indexOf(vma, start),
  file: vma.file,
  anonVma: vma.anonVma,
  source: vma,
});

/** Same flags and same open file (is_mergeable_vma). */
const isAlike = (vma: Vma, range: MergeRange): boolean =>
  ((vma.flags ^ range.flags) & ~VM_STICKY) === 0 && vma.file === range.file;

/** Linked to more anon_vmas than its own: a child of fork, whose pages may be the parent's (vma_had_uncowed_parents). */
const isForked = (vma: Vma | undefined): boolean =>
  vma !== undefined && vma.anonVma !== undefined && vma.anonVmaChain.length !== 1;

/** Whether the range may join the mapping's anon_vma (is_mergeable_anon_vma). */
function anonVmasMatch(vma: Vma, range: MergeRange): boolean {
  if (vma.anonVma === undefined && range.anonVma !== undefined) return !isForked(range.source);
  if (vma.anonVma !== undefined && range.anonVma === undefined) return !isForked(vma);
  return vma.anonVma === range.anonVma;
}

/** Whether the range can be put behind the mapping below it (can_vma_merge_left). */
const canMergeBelow = (below: Vma | undefined, range: MergeRange): below is Vma =>
  below !== undefined &&
  below.end === range.start &&
  isAlike(below, range) &&
  anonVmasMatch(below, range) &&
  below.pgoff + below.pages === range.pgoff;

/** Whether the range can be put in front of the mapping above it (can_vma_merge_right). */
const canMergeAbove = (above: Vma | undefined, range: MergeRange): above is Vma =>
  above !== undefined &&
  above.start === range.end &&
  isAlike(above, range) &&
  anonVmasMatch(above, range) &&
  range.pgoff + (range.end - range.start) === above.pgoff;

/** Two mappings that both match a range may still not match each other (are_anon_vmas_compatible). */
const canJoin = (below: Vma, above: Vma): boolean =>
  below.anonVma === undefined || above.anonVma === undefined || below.anonVma === above.anonVma;

/** Pages of `from` come into `to`, so its anon_vma must come too (dup_anon_vma). */
function adoptAnonVma(context: AddressSpaceContext, to: Vma, from: Vma | undefined): void {
  if (from?.anonVma === undefined || to.anonVma !== undefined) return;
  to.anonVma = from.anonVma;
  context.pages.cloneAnonVmas(from, to);
}

/**
 * Adds a free range to the mapping below it, the one above, or both (vma_merge_new_range).
 *
 * @param onlyBelow brk grows its heap but never joins what lies above
 * @returns the mapping that holds the range now, undefined when none fits
 */
export function mergeNewRange(context: AddressSpaceContext, range: MergeRange, onlyBelow = false): Vma | undefined {
  if ((range.flags & VM_SPECIAL) !== 0) return undefined;
  const { vmas } = range.mm;
  const below = vmas.before(range.start);
  const above = onlyBelow ? undefined : vmas.find(range.end);
  if (canMergeBelow(below, range)) {
    adoptAnonVma(context, below, range.source);
    if (canMergeAbove(above, range) && canJoin(below, above)) return absorb(context, below, above);
    vmas.resize(below, below.start, range.end);
    below.flags |= range.flags & VM_STICKY;
    return below;
  }
  if (!canMergeAbove(above, range)) return undefined;
  adoptAnonVma(context, above, range.source);
  above.pgoff -= above.start - range.start;
  vmas.resize(above, range.start, above.end);
  above.flags |= range.flags & VM_STICKY;
  return above;
}

/** The lower mapping takes over everything up to the end of the upper one, which goes away. */
function absorb(context: AddressSpaceContext, below: Vma, above: Vma): Vma {
  adoptAnonVma(context, below, above);
  const { end } = above;
  unlinkVma(context, above);
  below.mm.vmas.resize(below, below.start, end);
  below.flags |= above.flags & VM_STICKY;
  return below;
}

/**
 * Joins a changing part of a mapping to a neighbour that looks as it will look (vma_merge_existing_range). Only a part
 * at an end of its mapping has a neighbour.
 *
 * @returns the neighbour, grown; undefined when none fits
 */
function mergeExistingRange(context: AddressSpaceContext, vma: Vma, range: MergeRange): Vma | undefined {
  if ((range.flags & VM_SPECIAL) !== 0) return undefined;
  const { vmas } = vma.mm;
  const atStart = range.start === vma.start;
  const atEnd = range.end === vma.end;
  const below = atStart ? vmas.prev(vma) : undefined;
  const above = atEnd ? vmas.next(vma) : undefined;
  const mergesBelow = canMergeBelow(below, range);
  const mergesAbove = canMergeAbove(above, range) && (!mergesBelow || canJoin(below, above));

  if (mergesBelow || mergesAbove) {
    context.pages.splitHugeAt(vma, range.start);
    context.pages.splitHugeAt(vma, range.end);
  }
  if (mergesBelow) {
    adoptAnonVma(context, below, mergesAbove && above.anonVma !== undefined ? above : vma);
    below.flags |= vma.flags & VM_STICKY;
    cutLower(context, vma, range.end);
    vmas.resize(below, below.start, range.end);
    return mergesAbove ? absorb(context, below, above) : below;
  }
  if (!mergesAbove) return undefined;
  adoptAnonVma(context, above, vma);
  above.flags |= vma.flags & VM_STICKY;
  if (atStart) unlinkVma(context, vma);
  else vmas.resize(vma, vma.start, range.start);
  above.pgoff -= above.start - range.start;
  vmas.resize(above, range.start, above.end);
  return above;
}

/** Gives away the lower part of a mapping, or all of it. */
function cutLower(context: AddressSpaceContext, vma: Vma, to: Vpn): void {
  if (to === vma.end) {
    unlinkVma(context, vma);
    return;
  }
  vma.pgoff += to - vma.start;
  vma.mm.vmas.resize(vma, to, vma.end);
}

/**
 * Makes a mapping that is exactly [start, end) and may take new flags: merged with neighbours that have them already,
 * else cut out (vma_modify). The caller sets the flags.
 *
 * @returns the mapping that holds the range, or -ENOMEM at vm.max_map_count, after which a first cut may remain
 */
export function modifyVma(context: AddressSpaceContext, vma: Vma, start: Vpn, end: Vpn, flags: number): Vma | number {
  const merged = mergeExistingRange(context, vma, rangeOf(vma, start, end, flags));
  if (merged !== undefined) return merged;
  if (vma.start < start) {
    const error = splitVma(context, vma, start, 'upper');
    if (error !== 0) return error;
  }
  if (vma.end > end) {
    const error = splitVma(context, vma, end, 'lower');
    if (error !== 0) return error;
  }
  return vma;
}

/** Sets the flags of a mapping that modifyVma gave back; what it took over in a merge it keeps. */
export function setFlags(vma: Vma, flags: number): void {
  vma.flags = flags | (vma.flags & VM_STICKY);
}
