/** What a replacement policy is to the replay of a trace (docs/handbook/cache-policies.md tells how to add one). */

import type { Calls } from './calls.ts';

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
  /** The calls that the requests come from, for a policy that `needsCalls`; without them all requests read objects. */
  readonly calls?: Calls | undefined;
}

/** What is known of a trace before its replay, for a policy that `needsCalls`. */
export interface TraceFacts {
  /** Bytes that each file had when the trace began; without them every file is as large as a file can be. */
  readonly fileSizes?: { of(file: number): number } | undefined;
  /** Largest window of readahead in pages; 0 reads nothing ahead. */
  readonly readAheadPages?: number;
}

/** What a cache in front of a disk did there, in pages. */
export interface DiskTraffic {
  /** Read, ahead included. */
  readonly read: number;
  readonly written: number;
  /** Not written yet. */
  readonly dirty: number;
  /** Pages that came back after they were let go, and those of them that came back soon enough to be kept longer. */
  readonly refaulted: number;
  readonly activated: number;
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
  /** Of a cache in front of a disk. */
  traffic?(): DiskTraffic;
}

export interface PolicyEntry {
  /** As it is called on the command line. */
  readonly name: string;
  /** Half a line: which object goes. */
  readonly summary: string;
  /** Whether `access` reads `next`. */
  readonly needsFuture: boolean;
  /** Whether `access` reads `calls`. */
  readonly needsCalls?: boolean;
  /** Objects that a cache holds at most. */
  readonly largest?: number;
  /** @param capacity objects, at least 1 */
  create(capacity: number, facts?: TraceFacts): CachePolicy;
}
