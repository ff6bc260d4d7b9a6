/** What a replacement policy is to the replay of a trace (docs/handbook/cache-policies.md tells how to add one). */

/** Requests of one trace in order, with every object named by a dense number. */
export interface ObjectBatch {
  /** The object of each request; every number is below `footprint`. */
  readonly objects: Int32Array;
  /** Which request asks for the same object next, or NEVER; filled only for a policy that `needsFuture`. */
  readonly next: Float64Array;
  /** Requests in this batch: the columns may be longer. */
  readonly count: number;
  /** Distinct objects from the beginning of the trace to the end of this batch. */
  readonly footprint: number;
}

/** A cache of `capacity` objects under one policy, empty at first. */
export interface CachePolicy {
  readonly capacity: number;
  /**
   * Serves a batch. It allocates nothing unless the footprint has grown since the last one, and costs constant time
   * a request on average (belady: the logarithm of the capacity).
   *
   * @returns how many of its requests missed
   */
  access(batch: ObjectBatch): number;
}

export interface PolicyEntry {
  /** As it is called on the command line. */
  readonly name: string;
  /** Half a line: which object goes. */
  readonly summary: string;
  /** Whether `access` reads `next`. */
  readonly needsFuture: boolean;
  /** @param capacity objects, at least 1 */
  create(capacity: number): CachePolicy;
}
