import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { File } from '../../../kernel/page-cache/file.ts';
import { OBJECT } from '../calls.ts';
import { LinuxMachine, MOST_PAGES } from '../linux-machine.ts';
import type { CachePolicy, DiskTraffic, ObjectBatch, PolicyEntry, TraceFacts } from '../policy.ts';

/**
 * Linux' own page cache: the kernel of a machine is asked for what the trace's programs asked for. Every call is a read or
 * write of a file by a process whose memory cgroup may have `capacity` pages; which pages stay is decided by reclaim on
 * the active and inactive list, which of them are read ahead by readahead, when they are written by the flusher.
 */
class Linux implements CachePolicy {
  readonly capacity: number;
  readonly #machine: LinuxMachine;
  #objects: File | undefined;

  constructor(capacity: number, facts: TraceFacts) {
    this.capacity = capacity;
    this.#machine = new LinuxMachine(capacity, facts);
  }

  access({ calls, objects, count }: ObjectBatch): number {
    let misses = 0;
    if (calls === undefined) {
      for (let i = 0; i < count; i++) misses += this.#object(objects[i], false);
      return misses;
    }
    const machine = this.#machine;
    for (let i = 0; i < calls.count; i++) {
      const file = calls.file[i];
      const isWrite = calls.write[i] === 1;
      machine.passTimeUntil(calls.time[i]);
      if (file === OBJECT) misses += this.#object(objects[calls.request[i]], isWrite);
      else misses += machine.call(machine.open(file, calls.stream[i]), calls.offset[i], calls.length[i], isWrite);
    }
    return misses;
  }

  /**
   * A trace of objects says nothing of neighbours, so each is a page of one file, in the order in which they first
   * appear, and the file is read as POSIX_FADV_RANDOM: readahead would bring what is asked for next.
   */
  #object(object: number, isWrite: boolean): number {
    this.#objects ??= this.#machine.openObjects();
    return this.#machine.call(this.#objects, object * PAGE_SIZE, PAGE_SIZE, isWrite);
  }

  traffic(): DiskTraffic {
    return this.#machine.traffic();
  }
}

export const linux: PolicyEntry = {
  name: 'linux',
  summary: "Linux' own page cache, with readahead and write-back: pages used twice are kept longer",
  needsFuture: false,
  needsCalls: true,
  largest: MOST_PAGES,
  create: (capacity, facts = {}) => new Linux(capacity, facts),
};
