/** Charging pages to a group, and what happens when there is no room (try_charge_memcg in mm/memcontrol.c). */
import type { AllocationPoint } from '../oom/oom-control.ts';
import type { Task } from '../process/process.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { countMemoryEvent, MEMCG_MAX, MEMCG_OOM } from './memory-events.ts';
import type { PageCounter } from './page-counter.ts';
import { MAX_RECLAIM_RETRIES, Throttle, type ThrottleNeeds } from './throttle.ts';

/** MEMCG_CHARGE_BATCH: a charge takes this many pages at once, so that most charges need not look at the limits. */
export const CHARGE_BATCH = 64;

/** 1 << PAGE_ALLOC_COSTLY_ORDER: for so much reclaim goes on as long as it finds anything. */
const COSTLY_PAGES = 8;

/** 1: files and rules of cgroup v1 (memory and swap together); 2: the unified hierarchy. */
export type CgroupVersion = 1 | 2;

/** What charging asks of reclaim and of the OOM killer. */
export interface ChargeNeeds extends ThrottleNeeds {
  /** Gives back whole pages that were charged for kernel objects of a group or one below it, and that none needs. */
  drainObjects(group: MemCgroup): void;
  /** A limit was passed: `settle` is to be called at the next point where reclaim may run. */
  notePressure(): void;
  /**
   * Kills somebody in a group or below it.
   * @returns whether memory will come back: false when nobody may be killed
   */
  oomKill(group: MemCgroup, task: Task | undefined, point: AllocationPoint): boolean;
}

/**
 * What may be done for a charge that finds no room. `true`: reclaim and kill. 'light': reclaim once (__GFP_NORETRY).
 * `false`: nothing, for who has pages in his hands. The last two then charge beyond the limit, which `settle` enforces. 'try':
 * reclaim, but without room there is no charge, for who can do with less. 'once': the same with one round of reclaim. 'never':
 * the same without reclaim.
 */
export type MayReclaim = boolean | 'light' | 'try' | 'once' | 'never';

export class Charging {
  readonly #needs: ChargeNeeds;
  readonly #throttle: Throttle;
  /** Groups over their limit by charges that could not wait for reclaim. */
  readonly over = new Set<MemCgroup>();

  constructor(needs: ChargeNeeds) {
    this.#needs = needs;
    this.#throttle = new Throttle(needs);
  }

  get #version(): CgroupVersion {
    return this.#needs.version;
  }

  /**
   * Enforces the limits that were passed meanwhile (the tail of try_charge_memcg), and makes a task wait that went above
   * memory.high: at a point where reclaim may run.
   */
  settle(task: Task, point: AllocationPoint): void {
    for (const group of [...this.over]) {
      this.over.delete(group);
      let retries = MAX_RECLAIM_RETRIES;
      let drained = false;
      while (group.memory.usage > group.memory.max) {
        countMemoryEvent(group, MEMCG_MAX, this.#version);
        const freed = this.#needs.reclaim(group, group.memory.usage - group.memory.max, true);
        if (!drained) {
          drained = true;
          if (group.memory.usage > group.memory.max) this.drainStocks(group);
          continue;
        }
        if (freed > 0 || retries-- > 0) continue;
        if (!this.#oom(group, task, point)) {
          if (point === 'fault') this.#wait(group, task);
          return;
        }
        if (task.process.ending !== undefined) {
          this.#dying(group);
          return;
        }
        retries = MAX_RECLAIM_RETRIES;
      }
    }
    // Above memory.high a task is held up when it returns to its program; in a long system call, after more than a batch.
    if (task.memcgNrPagesOverHigh > (point === 'fault' ? 0 : CHARGE_BATCH)) this.#throttle.handleOverHigh(task);
    else if (task.memcgNrPagesOverHigh > 0) this.#needs.notePressure();
  }

  handleOverHigh(task: Task): void {
    this.#throttle.handleOverHigh(task);
  }

  /** Nobody may be killed: a task of the group waits, and when it goes on, the limit is looked at again. */
  #wait(group: MemCgroup, task: Task): void {
    if (![...group.subtree()].some(({ id }) => id === task.mm.memcg)) return;
    task.memcgInOom = group.id;
    this.over.add(group);
    this.#needs.notePressure();
  }

  /** @returns false when the limit is reached, nothing could be freed, and nobody could be killed for it */
  charge(group: MemCgroup, pages: number, task: Task | undefined, mayReclaim: MayReclaim): boolean {
    if (group.stock >= pages) {
      group.stock -= pages;
      return true;
    }
    let batch = Math.max(CHARGE_BATCH, pages);
    let drained = false;
    for (let retries = MAX_RECLAIM_RETRIES; ; ) {
      const refused = this.#tryCharge(group, batch);
      if (refused === undefined) break;
      if (batch > pages) {
        batch = pages;
        continue;
      }
      if (mayReclaim === 'never') return false;
      const over = groupOf(group, refused);
      if (mayReclaim === false) {
        this.#force(group, over, pages);
        break;
      }
      countMemoryEvent(over, MEMCG_MAX, this.#version);
      // At the limit of memory and swap together, swapping would win nothing.
      const freed = this.#needs.reclaim(over, pages, refused !== over.memsw);
      if (refused.margin >= pages) continue;
      if (!drained) {
        drained = true;
        this.drainStocks(over);
        continue;
      }
      if (mayReclaim === 'once') return false;
      if (mayReclaim !== 'light' && ((freed > 0 && pages <= COSTLY_PAGES) || retries-- > 0)) continue;
      if (mayReclaim === 'try') return false;
      if (mayReclaim !== true) {
        this.#force(group, over, pages);
        break;
      }
      if (!this.#oom(over, task, 'fault')) {
        if (task !== undefined) task.memcgInOom = over.id;
        return false;
      }
      if (task?.process.ending !== undefined) {
        this.#dying(over);
        return false;
      }
      retries = MAX_RECLAIM_RETRIES;
    }
    for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent) at.underOom = false;
    this.refillStock(group, batch - pages);
    if (task !== undefined) this.#throttle.afterCharge(group, batch, task, mayReclaim === true);
    return true;
  }

  /** Keeps pages for the next charges; more than a batch goes back as a whole (refill_stock, drain_stock). */
  refillStock(group: MemCgroup, pages: number): void {
    group.stock += pages;
    if (group.stock <= CHARGE_BATCH) return;
    this.uncharge(group, group.stock);
    group.stock = 0;
  }

  uncharge(group: MemCgroup, pages: number): void {
    group.memory.uncharge(pages);
    if (this.#version === 1) group.memsw.uncharge(pages);
  }

  /**
   * Gives back what was charged ahead if a group, or one below it, has any of it (drain_all_stock). It lies in one place, so
   * that others lose theirs too (drain_stock_fully).
   */
  drainStocks(group: MemCgroup): void {
    this.#needs.drainObjects(group);
    for (const { stock } of group.subtree()) {
      if (stock === 0) continue;
      this.#drainAll();
      return;
    }
  }

  #drainAll(): void {
    for (const member of this.#needs.get(0).subtree()) {
      this.uncharge(member, member.stock);
      member.stock = 0;
    }
  }

  /** @returns the counter without room, of this group or one above */
  #tryCharge(group: MemCgroup, pages: number): PageCounter | undefined {
    if (this.#version === 2) return group.memory.tryCharge(pages);
    const memsw = group.memsw.tryCharge(pages);
    if (memsw !== undefined) return memsw;
    const memory = group.memory.tryCharge(pages);
    if (memory !== undefined) group.memsw.uncharge(pages);
    return memory;
  }

  /** Charges beyond a limit; `settle` enforces it at the next point where nobody has a page in his hands. */
  #force(group: MemCgroup, over: MemCgroup, pages: number): void {
    group.memory.charge(pages);
    if (this.#version === 1) group.memsw.charge(pages);
    this.over.add(over);
    this.#needs.notePressure();
  }

  /**
   * mem_cgroup_oom: the limit was hit and nothing could be freed.
   * @returns whether to try again; false when nobody may be killed, because the group says so or all are exempt
   */
  #oom(group: MemCgroup, task: Task | undefined, point: AllocationPoint): boolean {
    countMemoryEvent(group, MEMCG_OOM, this.#version);
    return !group.oomKillDisable && this.#needs.oomKill(group, task, point);
  }

  /** A victim gives nothing back before it runs again: it tries as often as anybody, in vain, before it gives up. */
  #dying(over: MemCgroup): void {
    countMemoryEvent(over, MEMCG_MAX, this.#version, MAX_RECLAIM_RETRIES + 1);
  }
}

/** The group of a counter, which is this one or one above. */
function groupOf(group: MemCgroup, counter: PageCounter): MemCgroup {
  for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent)
    if (at.memory === counter || at.memsw === counter) return at;
  return group;
}
