/**
 * The files of a recording on the simulated machine: made when they are first heard of, with their size and inode number,
 * and cached as a whole unless the replay is to begin with an empty cache, or without this file in it.
 */
import { PAGE_SIZE, pfn } from '../../hardware/units.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import type { Files } from '../../kernel/page-cache/files.ts';
import type { Inode } from '../../kernel/page-cache/inode.ts';
import { O_RDWR } from '../../kernel/uapi.ts';
import type { FileFacts } from './header.ts';

/** What events and metadata say of a file. */
export interface FileIdentity {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  /** st_mode; undefined is taken for a regular file. */
  readonly mode?: number;
}

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
/** Files without pages of their own: their bytes are made when they are read. */
const SYNTHETIC = /^\/(proc|sys|dev)\//;
const SHARED_MEMORY = /^\/(dev\/shm\/|memfd:)/;

/** Whether the file's bytes lie in the page cache. */
export const isCacheable = ({ mode, path }: FileIdentity): boolean =>
  (mode === undefined || (mode & S_IFMT) === S_IFREG) && (SHARED_MEMORY.test(path) || !SYNTHETIC.test(path));

const keyOf = (device: number, inode: number): string => `${device}:${inode}`;

export class RecordedFiles {
  readonly #kernel: Kernel;
  readonly #files: Files;
  readonly #room: () => number;
  readonly #cold: ReadonlySet<string>;
  readonly #byPath = new Map<string, FileFacts>();
  /** Simulated inodes by recorded device and inode number. */
  readonly #inodes = new Map<string, number>();

  /**
   * @param room how many pages of files may be cached now; 0 for an empty cache
   * @param cold paths of files of which nothing is cached at the beginning
   */
  constructor(kernel: Kernel, facts: readonly FileFacts[], room: () => number, cold: readonly string[] = []) {
    this.#kernel = kernel;
    this.#files = kernel.files;
    this.#room = room;
    this.#cold = new Set(cold);
    for (const fact of facts) this.#byPath.set(fact.path, fact);
  }

  /** What the recording knows of a path, with its ELF headers when it is a program. */
  factsOf(path: string): FileFacts | undefined {
    return this.#byPath.get(path);
  }

  /** The id of the simulated inode of a recorded file, if it was met already. */
  inodeOf(device: number, inode: number): number | undefined {
    return this.#inodes.get(keyOf(device, inode));
  }

  /** The simulated file, made when it is new, and grown when the recording found it larger. */
  inode(identity: FileIdentity): Inode {
    const key = keyOf(identity.device, identity.inode);
    const known = this.#files.inode(this.#inodes.get(key) ?? -1);
    if (known !== undefined) {
      if (identity.size > known.size) this.#grow(known, identity.size);
      return known;
    }
    const { path, size, inode: ino } = identity;
    // Two files may have had the same path at different times: the older one keeps its pages and loses its name.
    const inode = this.#files.create(path, { size, ino });
    this.#fill(inode, 0);
    this.#inodes.set(key, inode.id);
    return inode;
  }

  /** An open file description. @param flags O_* */
  open(identity: FileIdentity, flags = O_RDWR): File {
    if (SHARED_MEMORY.test(identity.path)) return this.#openShared(identity, flags);
    return this.#files.openInode(this.inode(identity), flags);
  }

  /** Memory with a name, of memfd_create or shm_open: nothing of it lies on a disk, and it goes with its last user. */
  #openShared({ path, device, inode, size }: FileIdentity, flags: number): File {
    const key = keyOf(device, inode);
    const known = this.#files.inode(this.#inodes.get(key) ?? -1);
    if (known !== undefined) return this.#files.openInode(known, flags);
    const file = this.#files.memfd(path, flags);
    file.inode.name = path;
    this.#files.truncation.setSize(undefined, file.inode, size);
    this.#inodes.set(key, file.inode.id);
    return file;
  }

  /** Somebody whom the recording does not show made the file longer. */
  #grow(inode: Inode, size: number): void {
    const from = Math.ceil(inode.size / PAGE_SIZE);
    inode.size = size;
    inode.extents.add(from, Math.ceil(size / PAGE_SIZE));
    this.#fill(inode, from);
  }

  /** Puts the file's pages from index `from` on in the cache, as far as there is room. */
  #fill(inode: Inode, from: number): void {
    if (this.#cold.has(inode.name)) return;
    const { cache } = this.#files;
    const end = Math.min(Math.ceil(inode.size / PAGE_SIZE), from + this.#room());
    // It was there before the program began: no memory cgroup of its pays for it.
    const { current } = this.#kernel;
    this.#kernel.current = undefined;
    for (let index = from; index < end; index++) {
      const frame = cache.add(undefined, inode, index);
      if (frame === -1) break;
      if (frame >= 0) cache.setUptodate(pfn(frame));
    }
    this.#kernel.current = current;
  }

  save(): [string, number][] {
    return [...this.#inodes];
  }

  restore(inodes: readonly (readonly [string, number])[]): void {
    this.#inodes.clear();
    for (const [key, id] of inodes) this.#inodes.set(key, id);
  }
}
