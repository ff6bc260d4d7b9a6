import { VmStat } from '../vmstat.ts';
import { MEMCG_EVENTS, MEMCG_OOM_KILL } from './memory-events.ts';
import { PageCounter, type PageCounterState } from './page-counter.ts';

/** A memory cgroup (struct mem_cgroup): who is in it pays for its pages here. */
export class MemCgroup {
  readonly id: number;
  readonly name: string;
  readonly parent: MemCgroup | undefined;
  readonly children: MemCgroup[] = [];
  /** Memory in use, kernel memory included. */
  readonly memory: PageCounter;
  /** Memory and swap together: the second limit of version 1. */
  readonly memsw: PageCounter;
  /** Places in swap: the second limit of version 2. */
  readonly swap: PageCounter;
  /** Kernel memory: page tables and kernel objects. */
  readonly kmem: PageCounter;
  /** Pages of `kmem` that kernel objects were charged (kernel-objects.ts), and bytes of them that none has yet. */
  objectPages = 0;
  objectBytes = 0;
  /** Kernel stacks in them: of processes that were made here and live. */
  kernelStacks = 0;
  /** Pages in swap that belong to this very group. */
  swapped = 0;
  swappiness = 60;
  /** memory.soft_limit_in_bytes in pages; nothing acts on it while the machine has memory. */
  softLimit = Number.POSITIVE_INFINITY;
  /** Nobody is killed: who wants memory waits (memory.oom_control). */
  oomKillDisable = false;
  underOom = false;
  /** All of it dies when one of it is chosen (memory.oom.group). */
  oomGroup = false;
  /** Its children are memory cgroups of their own (cgroup.subtree_control); processes live in leaves then. */
  subtreeControl = false;
  /** Removed, but still there: pages are charged to it. */
  dying = false;
  /** MEMCG_* here and below, and here alone. */
  readonly events = new Float64Array(MEMCG_EVENTS);
  readonly eventsLocal = new Float64Array(MEMCG_EVENTS);
  /** Events of its own pages by their names in /proc/vmstat: reclaim, swap, workingset (vmstats_percpu). */
  readonly vmstat = new VmStat();
  /** Pages charged and uncharged, faults: events that only grow. */
  pgpgin = 0;
  pgpgout = 0;
  pgfault = 0;
  pgmajfault = 0;
  /** Pages that came back after reclaim had taken them (workingset_refault_*). */
  refaultAnon = 0;
  refaultFile = 0;
  /** Pages charged ahead (memcg_stock): most charges are served from here. */
  stock = 0;

  constructor(id: number, name: string, parent?: MemCgroup) {
    this.id = id;
    this.name = name;
    this.parent = parent;
    this.memory = new PageCounter(parent?.memory);
    this.memsw = new PageCounter(parent?.memsw);
    this.swap = new PageCounter(parent?.swap);
    this.kmem = new PageCounter(parent?.kmem);
    if (parent !== undefined) {
      this.swappiness = parent.swappiness;
      parent.children.push(this);
    }
  }

  /** Processes of its own that were killed for memory. */
  get oomKills(): number {
    return this.eventsLocal[MEMCG_OOM_KILL] as number;
  }

  /** Path below the hierarchy's root, as the kernel's log prints it. */
  get path(): string {
    return this.parent === undefined ? '/' : `${this.parent.path === '/' ? '' : this.parent.path}/${this.name}`;
  }

  /** This group and all below it, parents before children; those that are dying too. */
  *subtree(): Generator<MemCgroup> {
    yield this;
    for (const child of this.children) yield* child.subtree();
  }

  /** Settings and counts, without the place in the hierarchy. */
  save(): MemCgroupState {
    const { id, name, memory, memsw, swap, kmem } = this;
    return {
      id,
      name,
      parent: this.parent?.id ?? -1,
      memory: memory.save(),
      memsw: memsw.save(),
      swap: swap.save(),
      kmem: kmem.save(),
      events: this.events.slice(),
      eventsLocal: this.eventsLocal.slice(),
      vmstat: this.vmstat.save(),
      flags: Object.fromEntries(FLAGS.map((key) => [key, this[key]])),
      values: Object.fromEntries(PLAIN.map((key) => [key, this[key]])),
    };
  }

  restore(state: MemCgroupState): void {
    this.memory.restore(state.memory);
    this.memsw.restore(state.memsw);
    this.swap.restore(state.swap);
    this.kmem.restore(state.kmem);
    this.events.set(state.events);
    this.eventsLocal.set(state.eventsLocal);
    this.vmstat.restore(state.vmstat);
    for (const key of FLAGS) this[key] = state.flags[key] ?? false;
    for (const key of PLAIN) this[key] = state.values[key] ?? 0;
  }
}

const FLAGS = ['oomKillDisable', 'underOom', 'oomGroup', 'subtreeControl', 'dying'] as const;

/** Numbers that are saved as they are. */
const PLAIN = [
  'objectPages',
  'objectBytes',
  'kernelStacks',
  'swapped',
  'swappiness',
  'softLimit',
  'pgpgin',
  'pgpgout',
  'pgfault',
  'pgmajfault',
  'refaultAnon',
  'refaultFile',
  'stock',
] as const;

export interface MemCgroupState {
  readonly id: number;
  readonly name: string;
  /** -1 for the root. */
  readonly parent: number;
  readonly memory: PageCounterState;
  readonly memsw: PageCounterState;
  readonly swap: PageCounterState;
  readonly kmem: PageCounterState;
  readonly events: Float64Array;
  readonly eventsLocal: Float64Array;
  readonly vmstat: Float64Array;
  readonly flags: Readonly<Record<string, boolean>>;
  readonly values: Readonly<Record<string, number>>;
}
