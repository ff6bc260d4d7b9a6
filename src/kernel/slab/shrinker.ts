/** A cache of objects that can be made again (struct shrinker). */
export interface Shrinker {
  /** What it takes to make an object again, in disk accesses; 0: nothing, half of them may go at once. */
  readonly seeks: number;
  /** Objects looked at in one go. */
  readonly batch: number;
  /** Objects of a group that could go now (count_objects). */
  count(group: number): number;
  /** Looks at that many objects of a group and frees what is not in use. @returns objects freed, -1 to stop */
  scan(group: number, objects: number): number;
}

/**
 * As many objects as pages of the lists, in proportion, weighed by what they cost (do_shrink_slab in mm/shrinker.c). What is too
 * little for a batch is left to the next time.
 * @param deferred objects that were left over before
 * @returns objects freed, looked at, and left over
 */
export function shrinkSlab(shrinker: Shrinker, group: number, priority: number, deferred: number): SlabRound {
  const freeable = shrinker.count(group);
  if (freeable === 0) return { freed: 0, scanned: 0, deferred };
  const delta =
    shrinker.seeks > 0
      ? Math.floor((Math.floor(freeable / 2 ** priority) * 4) / shrinker.seeks)
      : Math.floor(freeable / 2);
  let left = Math.min(Math.floor(deferred / 2 ** priority) + delta, 2 * freeable);
  let freed = 0;
  let scanned = 0;
  while (left >= shrinker.batch || left >= freeable) {
    const chunk = Math.min(shrinker.batch, left);
    if (chunk === 0) break;
    const gone = shrinker.scan(group, chunk);
    if (gone < 0) break;
    freed += gone;
    left -= chunk;
    scanned += chunk;
  }
  return { freed, scanned, deferred: Math.min(Math.max(deferred + delta - scanned, 0), 2 * freeable) };
}

export interface SlabRound {
  readonly freed: number;
  readonly scanned: number;
  readonly deferred: number;
}
