/** memory.high and memory.swap.high: who goes above them reclaims, and then waits (mm/memcontrol.c). */

import type { Task } from '../process/process.ts';
import { CAUSE_IDLE, type Timers } from '../time/clock.ts';
import type { CgroupVersion } from './charging.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { countMemoryEvent, MEMCG_HIGH, MEMCG_SWAP_HIGH } from './memory-events.ts';
import type { PageCounter } from './page-counter.ts';

export const MAX_RECLAIM_RETRIES = 16;
/** SWAP_CLUSTER_MAX: pages that a repeated reclaim asks for. */
const SWAP_CLUSTER_MAX = 32;
/** MEMCG_CHARGE_BATCH: the delays are made for so many pages at once. */
const CHARGE_BATCH = 64;
/** CONFIG_HZ of the kernels that the answers come from: delays are counted in ticks. */
const HZ = 250;
const NS_PER_TICK = 1e9 / HZ;
/** MEMCG_MAX_HIGH_DELAY_JIFFIES. */
const MOST_TICKS = 2 * HZ;
/** MEMCG_DELAY_PRECISION_SHIFT and MEMCG_DELAY_SCALING_SHIFT, as factors. */
const PRECISION = 2 ** 20;
const SCALING = 2 ** 14;

export interface ThrottleNeeds {
  readonly version: CgroupVersion;
  readonly clock: Timers;
  /** Frees pages of a group and those below it. @returns pages freed */
  reclaim(group: MemCgroup, pages: number, maySwap: boolean): number;
  /** Wait for memory begins or ends: what memory.pressure counts (psi_memstall_enter, psi_memstall_leave). */
  memstall(group: MemCgroup, begins: boolean): void;
  /** The group of a number, the root for one that is gone. */
  get(id: number): MemCgroup;
  /** `settle` is to be called at the next point where reclaim may run. */
  notePressure(): void;
}

export class Throttle {
  readonly #needs: ThrottleNeeds;

  constructor(needs: ThrottleNeeds) {
    this.#needs = needs;
  }

  /**
   * Notes that a task has charged above a high limit, to be handled when it returns to its program; more than a batch is
   * handled at once where that may be (the end of try_charge_memcg).
   */
  afterCharge(group: MemCgroup, batch: number, task: Task, mayWait: boolean): void {
    for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent) {
      if (at.memory.usage <= at.memory.high && at.swap.usage <= at.swap.high) continue;
      task.memcgNrPagesOverHigh += batch;
      this.#needs.notePressure();
      break;
    }
    if (task.memcgNrPagesOverHigh > CHARGE_BATCH && mayWait) this.handleOverHigh(task);
  }

  /** __mem_cgroup_handle_over_high: reclaims, and sleeps the longer the further usage is above. */
  handleOverHigh(task: Task): void {
    const pages = task.memcgNrPagesOverHigh;
    task.memcgNrPagesOverHigh = 0;
    const group = this.#needs.get(task.mm.memcg);
    for (let retries = MAX_RECLAIM_RETRIES, again = false; task.process.ending === undefined; again = true) {
      const freed = this.#reclaimHigh(group, again ? SWAP_CLUSTER_MAX : pages);
      const ticks = this.#delay(group, pages);
      if (ticks <= HZ / 100) return;
      if (freed > 0 || retries-- > 0) continue;
      this.#needs.memstall(group, true);
      this.#needs.clock.sleep(ticks * NS_PER_TICK, CAUSE_IDLE);
      this.#needs.memstall(group, false);
      return;
    }
  }

  /** reclaim_high. @returns pages freed, here and above */
  #reclaimHigh(group: MemCgroup, pages: number): number {
    let freed = 0;
    for (let at = group; at.parent !== undefined; at = at.parent) {
      if (at.memory.usage <= at.memory.high) continue;
      countMemoryEvent(at, MEMCG_HIGH, this.#needs.version);
      freed += this.#needs.reclaim(at, pages, true);
    }
    return freed;
  }

  #delay(group: MemCgroup, pages: number): number {
    let memory = 0;
    let swap = 0;
    for (let at = group; at.parent !== undefined; at = at.parent) {
      memory = Math.max(memory, overage(at.memory));
      const swapped = overage(at.swap);
      if (swapped > 0) countMemoryEvent(at, MEMCG_SWAP_HIGH, this.#needs.version);
      swap = Math.max(swap, swapped);
    }
    return Math.min(MOST_TICKS, highDelay(memory, pages) + highDelay(swap, pages));
  }
}

/** How far above its high limit a counter is, in parts of 2^20 of the limit (calculate_overage). */
function overage({ usage, high }: PageCounter): number {
  return usage <= high ? 0 : Math.floor(((usage - high) * PRECISION) / Math.max(high, 1));
}

/** Ticks that so many pages cost: the square of the overage (calculate_high_delay). */
function highDelay(most: number, pages: number): number {
  const ticks = Math.floor(Math.floor((most * most * HZ) / PRECISION) / SCALING);
  return Math.floor((ticks * pages) / CHARGE_BATCH);
}
