/** System V shared memory (ipc/shm.c): segments with numbers, of ordinary memory or of huge pages of a pool. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { AddressSpaces } from '../address-space/address-spaces.ts';
import { EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, EPERM } from '../errno.ts';
import type { Hugetlb } from '../hugetlb/hugetlb.ts';
import type { File } from '../page-cache/file.ts';
import type { Inode } from '../page-cache/inode.ts';
import { panic } from '../panic.ts';
import type { Task } from '../process/process.ts';
import { MAP_FIXED, MAP_SHARED, O_RDONLY, O_RDWR, PROT_EXEC, PROT_READ, PROT_WRITE, RLIMIT_MEMLOCK } from '../uapi.ts';

export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const SHM_HUGETLB = 0o4000;
export const SHM_NORESERVE = 0o10000;
export const SHM_RDONLY = 0o10000;
export const SHM_RND = 0o20000;
export const SHM_REMAP = 0o40000;
export const SHM_EXEC = 0o100000;

const PERMISSIONS = 0o777;
const READ = 0o444;
const WRITE = 0o222;

/** A segment (struct shmid_kernel). Sizes are bytes, times nanoseconds since boot. */
export interface Segment {
  readonly id: number;
  /** IPC_PRIVATE once it is marked for removal: nobody finds it by its key any more. */
  key: number;
  readonly size: number;
  mode: number;
  readonly uid: number;
  readonly creator: number;
  lastPid: number;
  changed: number;
  readonly inode: Inode;
  /** Keeps the memory, until IPC_RMID was asked for: then only the attachments keep it, and the segment goes with the last. */
  file: File | undefined;
}

/** What segments are made of. */
export interface ShmNeeds {
  readonly hugetlb: Hugetlb;
  readonly clock: { readonly now: number };
  readonly spaces: Pick<AddressSpaces, 'mmap' | 'munmap'>;
  readonly files: {
    /** Unnamed memory of a size, held by who asked. */
    shmSegment(name: string, bytes: number, commit: 'size' | 'page'): File;
    /** The same of huge pages, which were reserved for it. @returns -ENOMEM when they could not be */
    hugeSegment(name: string, bytes: number, flags: number): File | number;
    openInode(inode: Inode, flags: number): File;
    openFile(id: number): File | undefined;
    inode(id: number): Inode | undefined;
    put(file: File): void;
  };
  /** Promises pages to a process; false when overcommit forbids it. */
  promise(task: Task, pages: number): boolean;
}

/** ipcperms: what of `wanted` (rwx three times) a task may not do. Root may all. */
const isDenied = ({ process }: Task, segment: Segment, wanted: number): boolean => {
  const { uid } = process.credentials;
  if (uid === 0) return false;
  const granted = uid === segment.uid ? segment.mode >> 6 : segment.mode;
  return (((wanted >> 6) | (wanted >> 3) | wanted) & ~granted & 7) !== 0;
};

export class SharedMemory {
  readonly #needs: ShmNeeds;
  readonly #segments = new Map<number, Segment>();
  #last = -1;

  constructor(needs: ShmNeeds) {
    this.#needs = needs;
  }

  /** How many mappings there are of a segment (shm_nattch). */
  attached(segment: Segment): number {
    return segment.inode.mappings.size;
  }

  /** shmget(2). @returns the segment's number, or ENOENT, EEXIST, EINVAL, EACCES, EPERM, ENOMEM */
  get(task: Task, key: number, size: number, flags: number): number {
    const found = key === IPC_PRIVATE ? undefined : [...this.#segments.values()].find((one) => one.key === key);
    if (found === undefined)
      return key !== IPC_PRIVATE && (flags & IPC_CREAT) === 0 ? -ENOENT : this.#make(task, key, size, flags);
    if ((flags & (IPC_CREAT | IPC_EXCL)) === (IPC_CREAT | IPC_EXCL)) return -EEXIST;
    if (size > found.size) return -EINVAL;
    return isDenied(task, found, flags & PERMISSIONS) ? -EACCES : found.id;
  }

  /** newseg. */
  #make(task: Task, key: number, size: number, flags: number): number {
    if (size < 1) return -EINVAL;
    const file = this.#fileFor(task, `/SYSV${key.toString(16).padStart(8, '0')} (deleted)`, size, flags);
    if (typeof file === 'number') return file;
    const { pid, credentials } = task.process;
    const id = ++this.#last;
    const changed = this.#needs.clock.now;
    const mode = flags & PERMISSIONS;
    const own = { uid: credentials.uid, creator: pid, lastPid: 0, changed };
    this.#segments.set(id, { id, key, size, mode, inode: file.inode, file, ...own });
    return id;
  }

  #fileFor(task: Task, name: string, size: number, flags: number): File | number {
    const { files } = this.#needs;
    if ((flags & SHM_HUGETLB) === 0) {
      const pages = Math.ceil(size / PAGE_SIZE);
      const promised = (flags & SHM_NORESERVE) === 0;
      if (promised && !this.#needs.promise(task, pages)) return -ENOMEM;
      return files.shmSegment(name, size, promised ? 'size' : 'page');
    }
    const { credentials, rlimits } = task.process;
    // can_do_hugetlb_shm: the right to lock memory, or room for all of it under the limit of locked memory.
    if (!credentials.ipcLock && size > (rlimits.soft[RLIMIT_MEMLOCK] as number)) return -EPERM;
    return files.hugeSegment(name, size, flags);
  }

  /** shmat(2). @param address 0: where there is room @returns the byte address, or EINVAL, EACCES, ENOMEM */
  attach(task: Task, id: number, address: number, flags: number): number {
    this.settle();
    const segment = this.#segments.get(id);
    if (segment === undefined) return -EINVAL;
    const at = flags & SHM_RND ? address - (address % PAGE_SIZE) : address;
    if (at % PAGE_SIZE !== 0 || (at === 0 && flags & SHM_REMAP)) return -EINVAL;
    const readOnly = (flags & SHM_RDONLY) !== 0;
    if (isDenied(task, segment, readOnly ? READ : READ | WRITE)) return -EACCES;
    const end = Math.ceil((at + segment.size) / PAGE_SIZE);
    const taken = at !== 0 && task.mm.vmas.intersection((at / PAGE_SIZE) as never, end as never) !== undefined;
    if (taken && (flags & SHM_REMAP) === 0) return -EINVAL;
    const { files, spaces } = this.#needs;
    const file = files.openInode(segment.inode, readOnly ? O_RDONLY : O_RDWR);
    const prot = PROT_READ | (readOnly ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
    const mapped = spaces.mmap(task, at, segment.size, prot, MAP_SHARED | (at === 0 ? 0 : MAP_FIXED), file, 0);
    files.put(file);
    if (mapped >= 0) segment.lastPid = task.process.pid;
    return mapped;
  }

  /** shmdt(2): every piece of the attachment that began at an address. @returns 0, or -EINVAL where none began */
  detach(task: Task, address: number): number {
    if (address % PAGE_SIZE !== 0) return -EINVAL;
    const page = address / PAGE_SIZE;
    const isPiece = (start: number, pgoff: number): boolean => start - page === pgoff;
    const owned = new Set([...this.#segments.values()].map(({ inode }) => inode));
    const pieces = [...task.mm.vmas].filter(
      ({ file, start, pgoff }) => file !== undefined && owned.has(file.inode) && isPiece(start, pgoff),
    );
    const [first] = pieces;
    if (first === undefined) return -EINVAL;
    const segment = [...this.#segments.values()].find(({ inode }) => inode === first.file?.inode);
    for (const { file, start, end } of pieces)
      if (file === first.file) this.#needs.spaces.munmap(task, start * PAGE_SIZE, (end - start) * PAGE_SIZE);
    if (segment !== undefined) segment.lastPid = task.process.pid;
    this.settle();
    return 0;
  }

  /** shmctl(IPC_STAT). @returns the segment, or -EINVAL, -EACCES */
  stat(task: Task, id: number): Segment | number {
    this.settle();
    const segment = this.#segments.get(id);
    if (segment === undefined) return -EINVAL;
    return isDenied(task, segment, READ) ? -EACCES : segment;
  }

  /** shmctl(IPC_SET): the permissions. @returns 0, -EINVAL, -EPERM */
  setMode(task: Task, id: number, mode: number): number {
    const segment = this.#owned(task, id);
    if (typeof segment === 'number') return segment;
    segment.mode = mode & PERMISSIONS;
    segment.changed = this.#needs.clock.now;
    return 0;
  }

  /** shmctl(IPC_RMID): it goes now, or with its last attachment. @returns 0, -EINVAL, -EPERM */
  remove(task: Task, id: number): number {
    const segment = this.#owned(task, id);
    if (typeof segment === 'number') return segment;
    const { file } = segment;
    segment.key = IPC_PRIVATE;
    segment.file = undefined;
    if (file !== undefined) this.#needs.files.put(file);
    this.settle();
    return 0;
  }

  #owned(task: Task, id: number): Segment | number {
    const segment = this.#segments.get(id);
    if (segment === undefined) return -EINVAL;
    const { uid } = task.process.credentials;
    return uid === 0 || uid === segment.uid ? segment : -EPERM;
  }

  /** Forgets segments that are to go and that nobody has attached any more (shm_destroy): a process may have ended. */
  settle(): void {
    for (const segment of [...this.#segments.values()])
      if (segment.file === undefined && this.attached(segment) === 0) this.#segments.delete(segment.id);
  }

  save(): ShmState {
    this.settle();
    const segments = [...this.#segments.values()].map(({ file, inode, ...rest }) => ({
      ...rest,
      inode: inode.id,
      file: file?.id,
    }));
    return { last: this.#last, segments };
  }

  restore(state: ShmState): void {
    this.#last = state.last;
    this.#segments.clear();
    for (const { file, inode, ...rest } of state.segments)
      this.#segments.set(rest.id, {
        ...rest,
        inode: this.#needs.files.inode(inode) ?? panic(`segment ${rest.id} without memory`),
        file: file === undefined ? undefined : this.#needs.files.openFile(file),
      });
  }
}

export interface ShmState {
  readonly last: number;
  readonly segments: readonly (Omit<Segment, 'file' | 'inode'> & {
    readonly inode: number;
    readonly file: number | undefined;
  })[];
}
