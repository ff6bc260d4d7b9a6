/** Memory cgroups (mm/memcontrol.c): who pays for a page, and what happens when somebody's limit is reached. */
import type { Pfn } from '../../hardware/units.ts';
import { MOST_CGROUPS } from '../frames/lru.ts';
import type { AllocationPoint } from '../oom/oom-control.ts';
import type { Task } from '../process/process.ts';
import { MemCgroup, type MemCgroupState } from './mem-cgroup.ts';
import type { PageCounter } from './page-counter.ts';

/** MEMCG_CHARGE_BATCH: a charge takes this many pages at once, so that most charges need not look at the limits. */
export const CHARGE_BATCH = 64;
/** MAX_RECLAIM_RETRIES. */
const MAX_RECLAIM_RETRIES = 16;

/** What charging asks of reclaim and of the OOM killer. */
export interface CgroupNeeds {
  /** Frees pages of a group and those below it. @returns pages freed */
  reclaim(group: MemCgroup, pages: number, maySwap: boolean): number;
  /** A limit was passed: `settle` is to be called at the next point where reclaim may run. */
  notePressure(): void;
  /**
   * Kills somebody in a group or below it.
   * @returns whether memory will come back: false when nobody may be killed
   */
  oomKill(group: MemCgroup, task: Task | undefined, point: AllocationPoint): boolean;
}

export class MemCgroups {
  readonly root = new MemCgroup(0, '');
  readonly #needs: CgroupNeeds;
  readonly #owners: Uint16Array;
  readonly #byId: MemCgroup[] = [this.root];
  /** Groups over their limit by charges that could not wait for reclaim. */
  readonly #over = new Set<MemCgroup>();

  /** @param owners the frame table's column of cgroup numbers */
  constructor(owners: Uint16Array, needs: CgroupNeeds) {
    this.#owners = owners;
    this.#needs = needs;
  }

  get all(): readonly MemCgroup[] {
    return this.#byId;
  }

  /** A new group. @returns undefined when there are as many as there can be */
  create(name: string, parent: MemCgroup = this.root): MemCgroup | undefined {
    if (this.#byId.length >= MOST_CGROUPS) return undefined;
    const group = new MemCgroup(this.#byId.length, name, parent);
    this.#byId.push(group);
    return group;
  }

  get(id: number): MemCgroup {
    return this.#byId[id] ?? this.root;
  }

  /** Enforces the limits that were passed meanwhile (the tail of try_charge_memcg, at a point where reclaim may run). */
  settle(task: Task, point: AllocationPoint): void {
    for (const group of [...this.#over]) {
      this.#over.delete(group);
      while (group.memory.usage > group.memory.max) {
        const freed = this.#needs.reclaim(group, group.memory.usage - group.memory.max, true);
        if (freed > 0) continue;
        if (!this.#oom(group, task, point) || task.process.ending !== undefined) return;
      }
    }
  }

  /**
   * Charges pages to a group (try_charge_memcg).
   * @param mayReclaim false while somebody has pages in his hands: the charge is made in any case, and `settle` enforces
   * the limit later
   * @returns false when the limit is reached, nothing could be freed, and nobody could be killed for it
   */
  charge(id: number, pages: number, task: Task | undefined, mayReclaim: boolean): boolean {
    if (id === 0) return true;
    const group = this.get(id);
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
      const over = this.#groupOf(group, refused.counter);
      if (!mayReclaim) {
        group.memsw.charge(pages);
        group.memory.charge(pages);
        this.#over.add(over);
        this.#needs.notePressure();
        break;
      }
      const freed = this.#needs.reclaim(over, pages, !refused.withSwap);
      if (refused.counter.margin >= pages) continue;
      if (!drained) {
        drained = true;
        this.#drainStocks(over);
        continue;
      }
      if (freed > 0 || retries-- > 0) continue;
      if (!this.#oom(over, task, 'fault')) {
        if (task !== undefined) task.memcgInOom = over.id;
        return false;
      }
      if (task?.process.ending !== undefined) return false;
      retries = MAX_RECLAIM_RETRIES;
    }
    for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent) at.underOom = false;
    group.stock += batch - pages;
    if (group.stock > CHARGE_BATCH) {
      this.#uncharge(group, group.stock - CHARGE_BATCH);
      group.stock = CHARGE_BATCH;
    }
    return true;
  }

  /**
   * mem_cgroup_oom: the limit was hit and nothing could be freed.
   * @returns whether to try again; false when nobody may be killed, because the group says so or all are exempt
   */
  #oom(group: MemCgroup, task: Task | undefined, point: AllocationPoint): boolean {
    group.ooms++;
    return !group.oomKillDisable && this.#needs.oomKill(group, task, point);
  }

  /** A process of a group was killed for memory (MEMCG_OOM_KILL). Version 1 counts it where the victim is, not above. */
  countOomKill(group: MemCgroup): void {
    group.oomKills++;
  }

  /** All of a group was killed together (MEMCG_OOM_GROUP_KILL). */
  countOomGroupKill(group: MemCgroup): void {
    group.oomGroupKills++;
  }

  /** A frame that somebody pays for is free again (uncharge_folio). */
  uncharge(frame: Pfn): void {
    const id = this.#owners[frame] as number;
    if (id === 0) return;
    this.#owners[frame] = 0;
    this.#uncharge(this.get(id), 1);
  }

  /** A page goes to swap: its memory is free, its place in memory and swap together stays (memcg1_swapout). */
  swapOut(frame: Pfn): number {
    const id = this.#owners[frame] as number;
    if (id === 0) return 0;
    const group = this.get(id);
    group.memsw.charge(1);
    group.swapped++;
    return id;
  }

  /** A place in swap is free again (mem_cgroup_uncharge_swap). */
  swapFreed(id: number): void {
    if (id === 0) return;
    const group = this.get(id);
    group.memsw.uncharge(1);
    group.swapped--;
  }

  /** Gives back what was charged ahead, of a group and those below it (drain_all_stock). */
  drainStocks(group: MemCgroup = this.root): void {
    this.#drainStocks(group);
  }

  #tryCharge(group: MemCgroup, pages: number): { counter: PageCounter; withSwap: boolean } | undefined {
    const memsw = group.memsw.tryCharge(pages);
    if (memsw !== undefined) return { counter: memsw, withSwap: true };
    const memory = group.memory.tryCharge(pages);
    if (memory === undefined) return undefined;
    group.memsw.uncharge(pages);
    return { counter: memory, withSwap: false };
  }

  #uncharge(group: MemCgroup, pages: number): void {
    group.memory.uncharge(pages);
    group.memsw.uncharge(pages);
  }

  #drainStocks(group: MemCgroup): void {
    for (const member of group.subtree()) {
      this.#uncharge(member, member.stock);
      member.stock = 0;
    }
  }

  #groupOf(group: MemCgroup, counter: PageCounter): MemCgroup {
    for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent)
      if (at.memory === counter || at.memsw === counter) return at;
    return group;
  }

  save(): MemCgroupsState {
    return { groups: this.#byId.map((group) => group.save()), over: [...this.#over].map((group) => group.id) };
  }

  /** Makes the groups of a saved state anew, below the root. */
  restore(state: MemCgroupsState): void {
    this.#byId.length = 1;
    this.root.children.length = 0;
    this.#over.clear();
    for (const saved of state.groups) {
      const group = saved.parent < 0 ? this.root : new MemCgroup(saved.id, saved.name, this.get(saved.parent));
      this.#byId[saved.id] = group;
      group.restore(saved);
    }
    for (const id of state.over) this.#over.add(this.get(id));
  }
}

export interface MemCgroupsState {
  /** Parents before children. */
  readonly groups: readonly MemCgroupState[];
  /** Groups over their limit, by number. */
  readonly over: readonly number[];
}
