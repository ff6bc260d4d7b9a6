/** Memory cgroups (mm/memcontrol.c): the groups there are, and who pays for which page. */
import type { Pfn } from '../../hardware/units.ts';
import { MOST_CGROUPS } from '../frames/lru.ts';
import type { AllocationPoint } from '../oom/oom-control.ts';
import type { Task } from '../process/process.ts';
import type { Timers } from '../time/clock.ts';
import { type CgroupVersion, Charging, type MayReclaim } from './charging.ts';
import { drainObjects, giveBackPages, payForGroup } from './kernel-objects.ts';
import { MemCgroup, type MemCgroupState } from './mem-cgroup.ts';
import { countMemoryEvent, MEMCG_OOM_GROUP_KILL, MEMCG_OOM_KILL } from './memory-events.ts';
import { SwapCharges } from './swap-charges.ts';

/** What groups ask of reclaim and of the OOM killer. */
export interface CgroupNeeds {
  readonly version: CgroupVersion;
  readonly cpus: number;
  readonly clock: Timers;
  /** Frees pages of a group and those below it. @returns pages freed */
  reclaim(group: MemCgroup, pages: number, maySwap: boolean): number;
  /** A limit was passed: `settle` is to be called at the next point where reclaim may run. */
  notePressure(): void;
  /** Wait for memory begins or ends (psi_memstall_enter, psi_memstall_leave). */
  memstall(group: MemCgroup, begins: boolean): void;
  /**
   * Kills somebody in a group or below it.
   * @returns whether memory will come back: false when nobody may be killed
   */
  oomKill(group: MemCgroup, task: Task | undefined, point: AllocationPoint): boolean;
}

export class MemCgroups extends SwapCharges {
  /** Processors of the machine: a group has counters for each. */
  readonly cpus: number;
  readonly root = new MemCgroup(0, '');
  /** Groups pay for the kernel's objects too; false is the boot option cgroup.memory=nokmem. */
  kernelMemory = true;
  /** Number of the group whose kernel objects were charged last (obj_stock). */
  objectPayer = 0;
  /** By number; undefined where one was removed. */
  readonly #byId: (MemCgroup | undefined)[] = [this.root];
  readonly #charging: Charging;

  /** @param owners the frame table's column of cgroup numbers */
  constructor(owners: Uint16Array, needs: CgroupNeeds) {
    super(needs.version, owners);
    this.cpus = needs.cpus;
    const { version, clock } = needs;
    this.#charging = new Charging({
      version,
      clock,
      reclaim: (group, pages, maySwap) => needs.reclaim(group, pages, maySwap),
      memstall: (group, begins) => needs.memstall(group, begins),
      get: (id) => this.get(id),
      notePressure: () => needs.notePressure(),
      drainObjects: (group) => drainObjects(this, group),
      oomKill: (group, task, point) => needs.oomKill(group, task, point),
    });
  }

  /** All groups, removed ones that still have pages included. */
  get all(): readonly MemCgroup[] {
    return this.#byId.filter((group) => group !== undefined);
  }

  /** A new group. @returns undefined when there are as many as there can be */
  create(name: string, parent: MemCgroup = this.root): MemCgroup | undefined {
    let id = this.#byId.indexOf(undefined);
    if (id < 0) id = this.#byId.length;
    if (id >= MOST_CGROUPS) return undefined;
    const group = new MemCgroup(id, name, parent);
    this.#byId[id] = group;
    payForGroup(this, parent.id, this.cpus, true);
    return group;
  }

  override get(id: number): MemCgroup {
    return this.#byId[id] ?? this.root;
  }

  /**
   * Removes an empty group (mem_cgroup_css_offline): its protection ends. While pages are charged to it, it stays as a dying
   * one below its parent.
   */
  remove(group: MemCgroup): void {
    group.dying = true;
    group.memory.min = 0;
    group.memory.low = 0;
    group.memory.high = Number.POSITIVE_INFINITY;
    group.swap.high = Number.POSITIVE_INFINITY;
    giveBackPages(this, group);
    this.#charging.drainStocks(group);
    this.releaseIfUnused(group);
  }

  /** A dying group without charges goes; its counts live on in those above (mem_cgroup_css_free, cgroup_rstat). */
  protected override releaseIfUnused(group: MemCgroup): void {
    const { parent, dying, memory, swapped, children } = group;
    if (
      !dying ||
      this.#byId[group.id] !== group ||
      parent === undefined ||
      memory.usage > group.stock ||
      swapped > 0 ||
      children.length > 0
    )
      return;
    this.#charging.drainStocks(group);
    parent.children.splice(parent.children.indexOf(group), 1);
    parent.vmstat.add(group.vmstat);
    for (const key of ['pgpgin', 'pgpgout', 'pgfault', 'pgmajfault', 'refaultAnon', 'refaultFile'] as const)
      parent[key] += group[key];
    this.#charging.over.delete(group);
    this.#byId[group.id] = undefined;
    payForGroup(this, parent.id, this.cpus, false);
    this.releaseIfUnused(parent);
  }

  /** Enforces what could not be enforced when it was charged (Charging.settle). */
  settle(task: Task, point: AllocationPoint): void {
    this.#charging.settle(task, point);
  }

  /** A system call ends: who is above memory.high is held up (resume_user_mode_work). */
  returnToProgram(task: Task): void {
    if (task.memcgNrPagesOverHigh > 0) this.#charging.handleOverHigh(task);
  }

  /**
   * Charges pages to a group (try_charge_memcg).
   * @returns false when the limit is reached, nothing could be freed, and nobody could be killed for it
   */
  charge(id: number, pages: number, task: Task | undefined, mayReclaim: MayReclaim): boolean {
    return id === 0 || this.#charging.charge(this.get(id), pages, task, mayReclaim);
  }

  /** Gives back pages that were charged for kernel objects; they wait for the next charge (obj_cgroup_uncharge_pages). */
  unchargePages(id: number, pages: number): void {
    const group = this.get(id);
    this.#charging.refillStock(group, pages);
    if (group.dying) this.releaseIfUnused(group);
  }

  /** A frame that somebody pays for is free again (uncharge_folio); kernel memory waits for the next charge. */
  uncharge(frame: Pfn, kernelMemory = false): void {
    const id = this.owners[frame] as number;
    if (id === 0) return;
    this.owners[frame] = 0;
    const group = this.get(id);
    if (kernelMemory) this.#charging.refillStock(group, 1);
    else this.#charging.uncharge(group, 1);
    if (group.dying) this.releaseIfUnused(group);
  }

  /** Counts an event of a group's own pages, by its item of /proc/vmstat (count_memcg_events, mod_lruvec_state). */
  count(id: number, item: number, times = 1): void {
    this.#byId[id]?.vmstat.count(item, times);
  }

  /** A process of a group was killed for memory. */
  countOomKill(group: MemCgroup): void {
    countMemoryEvent(group, MEMCG_OOM_KILL, this.version);
  }

  /** All of a group was killed together. */
  countOomGroupKill(group: MemCgroup): void {
    countMemoryEvent(group, MEMCG_OOM_GROUP_KILL, this.version);
  }

  /** Gives back what was charged ahead, of a group and those below it. */
  drainStocks(group: MemCgroup = this.root): void {
    this.#charging.drainStocks(group);
  }

  save(): MemCgroupsState {
    const { over } = this.#charging;
    const groups = [...this.root.subtree()].map((group) => group.save());
    return { objectPayer: this.objectPayer, groups, over: [...over].map((group) => group.id) };
  }

  /** Makes the groups of a saved state anew, below the root. */
  restore(state: MemCgroupsState): void {
    this.objectPayer = state.objectPayer;
    this.#byId.length = 1;
    this.root.children.length = 0;
    this.#charging.over.clear();
    for (const saved of state.groups) {
      const group = saved.parent < 0 ? this.root : new MemCgroup(saved.id, saved.name, this.get(saved.parent));
      while (this.#byId.length < saved.id) this.#byId.push(undefined);
      this.#byId[saved.id] = group;
      group.restore(saved);
    }
    for (const id of state.over) this.#charging.over.add(this.get(id));
  }
}

export interface MemCgroupsState {
  readonly objectPayer: number;
  /** Parents before children. */
  readonly groups: readonly MemCgroupState[];
  /** Groups over their limit, by number. */
  readonly over: readonly number[];
}
