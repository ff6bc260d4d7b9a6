/** /sys/fs/cgroup: groups as directories. Version 1 keeps its memory groups in /sys/fs/cgroup/memory. */
import type { CgroupTree } from '../../cgroup/cgroup-tree.ts';
import type { MemCgroup } from '../../cgroup/mem-cgroup.ts';
import { EINVAL, ENOENT, EPERM, ESRCH } from '../../errno.ts';
import type { Process } from '../../process/process.ts';
import { type SystemFile, wholeNumber } from './system-file.ts';

/** A process is moved to a group by writing its number here. */
const PROCESSES = 'cgroup.procs';

/** What the directories below the mount need. */
export interface CgroupMount {
  readonly version: 1 | 2;
  readonly tree: CgroupTree;
  readonly processes: ReadonlyMap<number, Process>;
}

export class CgroupFiles {
  readonly at: string;
  readonly #mount: CgroupMount;

  constructor(mount: CgroupMount) {
    this.#mount = mount;
    this.at = mount.version === 2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
  }

  /** The file of a group, by its absolute path. */
  file(path: string): SystemFile | undefined {
    const slash = path.lastIndexOf('/');
    const group = this.#group(path.slice(0, slash));
    const name = path.slice(slash + 1);
    if (group === undefined || !this.#mount.tree.fileNames(group).includes(name)) return undefined;
    return {
      read: () => this.#mount.tree.read(group, name),
      write: (text) =>
        name === PROCESSES ? this.#attach(group, wholeNumber(text)) : this.#mount.tree.write(group, name, text.trim()),
    };
  }

  /** Names in a group's directory: its files, and the groups below it. */
  directory(path: string): Map<string, 'file' | 'directory'> | undefined {
    const group = this.#group(path);
    if (group === undefined) return undefined;
    const names = new Map<string, 'file' | 'directory'>();
    for (const file of this.#mount.tree.fileNames(group)) names.set(file, 'file');
    for (const { name, dying } of group.children) if (!dying) names.set(name, 'directory');
    return names;
  }

  /** @returns 0 or a negated errno, as mkdir(2) */
  makeDirectory(path: string): number {
    const slash = path.lastIndexOf('/');
    const parent = this.#group(path.slice(0, slash));
    if (parent === undefined) return -ENOENT;
    const made = this.#mount.tree.mkdir(path.slice(slash + 1), parent);
    return typeof made === 'number' ? made : 0;
  }

  /** @returns 0 or a negated errno, as rmdir(2) */
  removeDirectory(path: string): number {
    const group = this.#group(path);
    if (group === undefined) return path.startsWith(`${this.at}/`) ? -ENOENT : -EPERM;
    return this.#mount.tree.rmdir(group);
  }

  #attach(group: MemCgroup, pid: number | undefined): number {
    if (pid === undefined) return -EINVAL;
    const process = this.#mount.processes.get(pid);
    return process === undefined ? -ESRCH : this.#mount.tree.attach(process, group);
  }

  #group(path: string): MemCgroup | undefined {
    if (path === this.at) return this.#mount.tree.find('/');
    return path.startsWith(`${this.at}/`) ? this.#mount.tree.find(path.slice(this.at.length)) : undefined;
  }
}
