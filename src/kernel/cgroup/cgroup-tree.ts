/** The cgroup file system: groups as folders, made and removed, with their files and their processes (kernel/cgroup). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EBUSY, EINVAL, ENOENT, ENOMEM } from '../errno.ts';
import type { Process } from '../process/process.ts';
import type { CgroupFileNeeds } from './cgroup-core-files.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import type { PageCounter } from './page-counter.ts';
import { readV1, v1FileNames, writeV1 } from './v1-files.ts';
import { readV2, v2FileNames, writeV2 } from './v2-files.ts';

/** An open memory.peak or memory.swap.peak: once written it has a peak of its own (peak_write, peak_show). */
export class PeakFile {
  readonly #counter: PageCounter;
  readonly #watchers: Set<PeakFile>;
  /** Pages; undefined before the first write. */
  #peak: number | undefined;

  /** @param watchers the open files of this counter that were written */
  constructor(counter: PageCounter, watchers: Set<PeakFile>) {
    this.#counter = counter;
    this.#watchers = watchers;
  }

  read(): string {
    const { watermark, localWatermark } = this.#counter;
    const pages = this.#peak === undefined ? watermark : Math.max(this.#peak, localWatermark);
    return `${pages * PAGE_SIZE}\n`;
  }

  /** Whatever is written: the peak of this file begins anew; what the others saw since their own writes is forgotten, too. */
  write(): void {
    const { usage } = this.#counter;
    for (const other of this.#watchers) other.#peak = Math.max(other.#peak ?? 0, usage);
    this.#counter.localWatermark = usage;
    this.#watchers.add(this);
    this.#peak = usage;
  }

  close(): void {
    this.#watchers.delete(this);
  }
}

/** What the tree asks of processes. */
export interface CgroupTreeNeeds extends Omit<CgroupFileNeeds, 'processes'> {
  /** Living processes in the order of their birth. */
  all(): Iterable<Process>;
}

export class CgroupTree {
  readonly #needs: CgroupFileNeeds;
  readonly #peaks = new WeakMap<PageCounter, Set<PeakFile>>();

  constructor(needs: CgroupTreeNeeds) {
    this.#needs = {
      ...needs,
      processes: ({ id }) => [...needs.all()].filter(({ mm }) => mm.memcg === id).map(({ pid }) => pid),
    };
  }

  get #isV2(): boolean {
    return this.#needs.core.cgroups.version === 2;
  }

  /** @returns the new group, or a negated errno */
  mkdir(name: string, parent: MemCgroup): MemCgroup | number {
    return this.#needs.core.cgroups.create(name, parent) ?? -ENOMEM;
  }

  /** @returns 0, or -EBUSY for a group with processes or groups in it */
  rmdir(group: MemCgroup): number {
    const isUsed = group.children.some(({ dying }) => !dying) || this.#needs.processes(group).length > 0;
    if (isUsed || group.parent === undefined) return -EBUSY;
    this.#needs.core.cgroups.remove(group);
    return 0;
  }

  /**
   * Moves a process (a write to cgroup.procs). What it was charged for stays where it is; in version 2 only leaves, and the
   * root, have processes. @returns 0 or -EBUSY
   */
  attach(process: Process, group: MemCgroup): number {
    if (this.#isV2 && group.parent !== undefined && group.subtreeControl) return -EBUSY;
    process.mm.memcg = group.id;
    return 0;
  }

  /** Whether a group has files of its own: in version 2 its parent decides (cgroup.subtree_control). */
  #hasMemoryFiles({ parent }: MemCgroup): boolean {
    return !this.#isV2 || parent === undefined || parent.parent === undefined || parent.subtreeControl;
  }

  fileNames(group: MemCgroup): string[] {
    if (!this.#isV2) return v1FileNames();
    return v2FileNames(group).filter((name) => !name.startsWith('memory.') || this.#hasMemoryFiles(group));
  }

  /** @returns the text of a file, or a negated errno */
  read(group: MemCgroup, file: string): string | number {
    if (file.startsWith('memory.') && !this.#hasMemoryFiles(group)) return -ENOENT;
    return this.#isV2 ? readV2(this.#needs, group, file) : readV1(this.#needs, group, file);
  }

  /** @returns 0, or a negated errno */
  write(group: MemCgroup, file: string, text: string): number {
    if (file.startsWith('memory.') && !this.#hasMemoryFiles(group)) return -ENOENT;
    const peak = this.open(group, file);
    if (typeof peak !== 'number') {
      peak.write();
      peak.close();
      return 0;
    }
    return this.#isV2 ? writeV2(this.#needs, group, file, text) : writeV1(this.#needs, group, file, text);
  }

  /** Opens a file whose reads depend on who opened it. @returns a negated errno for all others */
  open(group: MemCgroup, file: string): PeakFile | number {
    const counter = file === 'memory.peak' ? group.memory : file === 'memory.swap.peak' ? group.swap : undefined;
    if (counter === undefined || !this.#isV2 || group.parent === undefined) return -EINVAL;
    let watchers = this.#peaks.get(counter);
    if (watchers === undefined) {
      watchers = new Set();
      this.#peaks.set(counter, watchers);
    }
    return new PeakFile(counter, watchers);
  }

  /** The group of a path like `/a/b`; the root is `/`. */
  find(path: string): MemCgroup | undefined {
    let at: MemCgroup | undefined = this.#needs.core.cgroups.root;
    for (const name of path.split('/').filter((part) => part !== ''))
      at = at?.children.find((child) => child.name === name && !child.dying);
    return at;
  }
}
