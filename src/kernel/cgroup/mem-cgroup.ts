import { PageCounter, type PageCounterState } from './page-counter.ts';

/** A memory cgroup (struct mem_cgroup): who is in it pays for its pages here. */
export class MemCgroup {
  readonly id: number;
  readonly name: string;
  readonly parent: MemCgroup | undefined;
  readonly children: MemCgroup[] = [];
  /** Memory in use, kernel memory included. */
  readonly memory: PageCounter;
  /** Memory and swap together (cgroup v1). */
  readonly memsw: PageCounter;
  /** Kernel memory: page tables. */
  readonly kmem: PageCounter;
  /** Pages in swap. */
  swapped = 0;
  swappiness = 60;
  /** Nobody is killed: who wants memory waits (memory.oom_control). */
  oomKillDisable = false;
  underOom = false;
  /** All of it dies when one of it is chosen (memory.oom.group). */
  oomGroup = false;
  /** Times that its limit led to the killer; its own processes that were killed; times that all of it was. */
  ooms = 0;
  oomKills = 0;
  oomGroupKills = 0;
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
    this.kmem = new PageCounter(parent?.kmem);
    if (parent !== undefined) {
      this.swappiness = parent.swappiness;
      parent.children.push(this);
    }
  }

  /** Path below the hierarchy's root, as the kernel's log prints it. */
  get path(): string {
    return this.parent === undefined ? '/' : `${this.parent.path === '/' ? '' : this.parent.path}/${this.name}`;
  }

  /** This group and all below it, parents before children. */
  *subtree(): Generator<MemCgroup> {
    yield this;
    for (const child of this.children) yield* child.subtree();
  }

  /** Settings and counts, without the place in the hierarchy. */
  save(): MemCgroupState {
    const { id, name, memory, memsw, kmem } = this;
    const values = Object.fromEntries(PLAIN.map((key) => [key, this[key]]));
    return {
      id,
      name,
      parent: this.parent?.id ?? -1,
      memory: memory.save(),
      memsw: memsw.save(),
      kmem: kmem.save(),
      oomKillDisable: this.oomKillDisable,
      underOom: this.underOom,
      oomGroup: this.oomGroup,
      values,
    };
  }

  restore(state: MemCgroupState): void {
    this.memory.restore(state.memory);
    this.memsw.restore(state.memsw);
    this.kmem.restore(state.kmem);
    this.oomKillDisable = state.oomKillDisable;
    this.underOom = state.underOom;
    this.oomGroup = state.oomGroup;
    for (const key of PLAIN) this[key] = state.values[key] ?? 0;
  }
}

/** Numbers that are saved as they are. */
const PLAIN = [
  'swapped',
  'swappiness',
  'ooms',
  'oomKills',
  'oomGroupKills',
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
  readonly kmem: PageCounterState;
  readonly oomKillDisable: boolean;
  readonly underOom: boolean;
  readonly oomGroup: boolean;
  readonly values: Readonly<Record<string, number>>;
}
