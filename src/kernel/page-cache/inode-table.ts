import type { Hugetlb } from '../hugetlb/hugetlb.ts';
import { panic } from '../panic.ts';
import { File } from './file.ts';
import type { FileSystem } from './file-system.ts';
import { restoreFile, restoreInode, saveFile, saveFileSystem, saveInode, type TableState } from './files-state.ts';
import { type Inode, type InodeInit, makeInode } from './inode.ts';
import type { NameSpace } from './name-space.ts';

/** Every inode and every open file of the machine, by number. */
export class InodeTable {
  readonly #names: NameSpace;
  readonly #inodes = new Map<number, Inode>();
  readonly #open = new Map<number, File>();
  #lastInode = 0;
  #lastFile = 0;

  constructor(names: NameSpace) {
    this.#names = names;
  }

  /** The inode of a number as the frame table's `mapping` column holds it. */
  get(id: number): Inode | undefined {
    return this.#inodes.get(id);
  }

  values(): IterableIterator<Inode> {
    return this.#inodes.values();
  }

  /** A new inode without names; its inode number is its own unless one is given. */
  add(init: Omit<InodeInit, 'id' | 'ino'>, ino?: number): Inode {
    const id = ++this.#lastInode;
    const inode = makeInode({ ...init, id, ino: ino ?? id });
    this.#inodes.set(id, inode);
    return inode;
  }

  delete(inode: Inode): void {
    this.#inodes.delete(inode.id);
  }

  /** An open file description of an inode, held by whoever asked. */
  open(inode: Inode, flags: number): File {
    inode.users++;
    const file = new File(++this.#lastFile, inode, flags, inode.fs.raPages);
    this.#open.set(file.id, file);
    return file;
  }

  /** The open file of a number (`File.id`). */
  openFile(id: number): File | undefined {
    return this.#open.get(id);
  }

  close(file: File): void {
    this.#open.delete(file.id);
    file.inode.users--;
  }

  /** Files, names and mounts; the mappings belong to the address spaces. */
  save(hugetlb: Hugetlb): TableState {
    return {
      lastInode: this.#lastInode,
      lastFile: this.#lastFile,
      mounts: this.#names.mounts.map(([path, fs]) => ({ path, fs: saveFileSystem(fs, hugetlb) })),
      inodes: [...this.#inodes.values()].map((inode) => saveInode(inode, hugetlb)),
      names: this.#names.entries().map(([path, inode]) => [path, inode.id]),
      open: [...this.#open.values()].map(saveFile),
    };
  }

  /**
   * Takes the place of all files. A file system that is mounted already keeps its device.
   * @param unmounted file systems of the kernel's own that are not mounted: those of memory files
   */
  restore(state: TableState, unmounted: readonly FileSystem[], hugetlb: Hugetlb): void {
    this.#lastInode = state.lastInode;
    this.#lastFile = state.lastFile;
    const here = [...unmounted, ...this.#names.mounts.map(([, fs]) => fs)];
    const known = new Map(here.map((fs) => [fs.dev, fs]));
    for (const { path, fs } of state.mounts) {
      const mounted = known.get(fs.dev) ?? { ...fs, pool: fs.pool && hugetlb.restorePool(fs.pool) };
      mounted.raPages = fs.raPages;
      known.set(fs.dev, mounted);
      this.#names.mount(path, mounted);
    }
    this.#inodes.clear();
    const fileSystem = (dev: number): FileSystem => known.get(dev) ?? panic(`files: no file system ${dev}`);
    for (const saved of state.inodes) this.#inodes.set(saved.id, restoreInode(saved, fileSystem(saved.dev), hugetlb));
    const inodeOf = (id: number): Inode => this.#inodes.get(id) ?? panic('files: a name without inode');
    this.#names.restore(state.names.map(([path, id]) => [path, inodeOf(id)]));
    this.#open.clear();
    for (const saved of state.open) this.#open.set(saved.id, restoreFile(saved, this.#inodes.get(saved.inode)));
  }
}
