import { ext4FileSystem, type FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';

/**
 * Paths of the machine: which file a name means, and which file system a path lies in. Names are kept whole, for neither
 * scenarios nor recordings ask for more of directories than that files in them have names.
 */
export class NameSpace {
  readonly #names = new Map<string, Inode>();
  /** Mount points, the longest first, so that the first prefix that fits is the right one. */
  readonly #mounts: [path: string, fs: FileSystem][] = [];

  /** @param root what lies under every path until something else is mounted */
  constructor(root: FileSystem = ext4FileSystem((254 << 20) | 1)) {
    this.#mounts.push(['', root]);
  }

  /** Mounts a file system; a path of '/' replaces the root. */
  mount(path: string, fs: FileSystem): void {
    const prefix = path.replace(/\/$/, '');
    const old = this.#mounts.findIndex(([mounted]) => mounted === prefix);
    if (old >= 0) this.#mounts.splice(old, 1);
    this.#mounts.push([prefix, fs]);
    this.#mounts.sort(([a], [b]) => b.length - a.length);
  }

  /** The file system that holds a path. */
  fileSystemOf(path: string): FileSystem {
    const found = this.#mounts.find(([prefix]) => prefix === '' || path === prefix || path.startsWith(`${prefix}/`));
    return (found ?? (this.#mounts.at(-1) as [string, FileSystem]))[1];
  }

  /** Every mount point with its file system, the longest path first; the root's is ''. */
  get mounts(): readonly (readonly [path: string, fs: FileSystem])[] {
    return this.#mounts;
  }

  find(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  /** Gives a file a name; the file that had it loses it and is returned. */
  link(path: string, inode: Inode): Inode | undefined {
    const old = this.#names.get(path);
    if (old !== undefined) this.unlink(path);
    this.#names.set(path, inode);
    inode.links++;
    return old;
  }

  /** Takes a name away; maps shows the file as deleted when it was the last. */
  unlink(path: string): Inode | undefined {
    const inode = this.#names.get(path);
    if (inode === undefined) return undefined;
    this.#names.delete(path);
    inode.links--;
    if (inode.links === 0) inode.name = `${inode.name} (deleted)`;
    return inode;
  }

  entries(): [path: string, inode: Inode][] {
    return [...this.#names];
  }

  /** Puts names in the place of all others; the files count their links themselves. */
  restore(names: readonly [path: string, inode: Inode][]): void {
    this.#names.clear();
    for (const [path, inode] of names) this.#names.set(path, inode);
  }
}
