/** /proc and /sys: one tree of files over the kernel's state, in which paths are looked up. */
import { EEXIST, EPERM } from '../../errno.ts';
import { CgroupFiles } from './cgroup-files.ts';
import { hugetlbFiles } from './hugetlb-files.ts';
import { lruGenFiles } from './lru-gen-files.ts';
import { machineFiles } from './machine-files.ts';
import { pidFiles } from './pid-files.ts';
import { swapFiles } from './swap-files.ts';
import { sysctlFiles } from './sysctl-files.ts';
import type { SystemFile, TreeSource } from './system-file.ts';
import { thpFiles } from './thp-files.ts';

/** Names of what stands in a directory, each with whether it is one itself. */
export type SystemDirectory = ReadonlyMap<string, 'file' | 'directory'>;

const PID_DIRECTORY = /^\/proc\/(self|\d+)(?:\/([^/]+))?$/;

export class SystemFiles {
  readonly #source: TreeSource;
  readonly #files = new Map<string, SystemFile>();
  readonly #cgroups: CgroupFiles;
  readonly #directories = new Map<string, Map<string, 'file' | 'directory'>>();

  constructor(source: TreeSource) {
    this.#source = source;
    const files = [
      ...machineFiles(source),
      ...sysctlFiles(source),
      ...hugetlbFiles(source),
      ...thpFiles(source),
      ...lruGenFiles(source),
      ...swapFiles(source),
    ];
    for (const [path, file] of files) this.add(path, file);
    const { cgroups, cgroupTree, processes } = source;
    this.#cgroups = new CgroupFiles({ version: cgroups.version, tree: cgroupTree, processes: processes.all });
    this.#addDirectories(this.#cgroups.at, 'directory');
  }

  /** One more file, and the directories above it: what a subsystem or the machine's devices show of themselves. */
  add(path: string, file: SystemFile): void {
    this.#files.set(path, file);
    this.#addDirectories(path, 'file');
  }

  /** @returns 0 or a negated errno, as mkdir(2): only groups can be made */
  makeDirectory(path: string): number {
    if (this.file(path) !== undefined || this.directory(path) !== undefined) return -EEXIST;
    return path.startsWith(`${this.#cgroups.at}/`) ? this.#cgroups.makeDirectory(path) : -EPERM;
  }

  /** @returns 0 or a negated errno, as rmdir(2) */
  removeDirectory(path: string): number {
    return this.#cgroups.removeDirectory(path);
  }

  /** Everything above a path lists it. */
  #addDirectories(path: string, last: 'file' | 'directory'): void {
    let kind = last;
    for (let at = path; at !== ''; ) {
      const slash = at.lastIndexOf('/');
      const name = at.slice(slash + 1);
      at = at.slice(0, slash);
      const directory = this.#directories.get(at) ?? new Map<string, 'file' | 'directory'>();
      directory.set(name, kind);
      this.#directories.set(at, directory);
      kind = 'directory';
    }
  }

  /** @param path absolute, without a slash at its end */
  file(path: string): SystemFile | undefined {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const [, pid, name] = PID_DIRECTORY.exec(path) ?? [];
    if (pid === undefined || name === undefined) return this.#cgroups.file(path);
    return this.#filesOf(pid)?.get(name);
  }

  /** @param path absolute, without a slash at its end; the root is '' */
  directory(path: string): SystemDirectory | undefined {
    if (path === '/proc') return this.#proc();
    const known = this.#cgroups.directory(path) ?? this.#directories.get(path);
    if (known !== undefined) return known;
    const [, pid, name] = PID_DIRECTORY.exec(path) ?? [];
    if (pid === undefined || name !== undefined) return undefined;
    const files = this.#filesOf(pid);
    return files && new Map([...files.keys()].map((file) => [file, 'file'] as const));
  }

  /** `self` is the process that runs now. */
  #filesOf(pid: string): ReadonlyMap<string, SystemFile> | undefined {
    const { current, processes } = this.#source;
    const process = pid === 'self' ? current?.process : processes.all.get(Number(pid));
    return process && pidFiles(this.#source, process);
  }

  #proc(): SystemDirectory {
    const all = new Map(this.#directories.get('/proc'));
    for (const pid of this.#source.processes.all.keys()) all.set(String(pid), 'directory');
    if (this.#source.current !== undefined) all.set('self', 'directory');
    return all;
  }
}
