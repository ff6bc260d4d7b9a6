import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { FileOps } from '../address-space/page-ops.ts';
import type { Vma } from '../address-space/vma.ts';
import { payForFile } from '../cgroup/kernel-objects.ts';
import type { PageCore } from '../core.ts';
import { EINVAL } from '../errno.ts';
import { PG_RECLAIM } from '../frames/frame-table.ts';
import type { Hstate } from '../hugetlb/hstate.ts';
import type { HugePool } from '../hugetlb/huge-inode.ts';
import type { HugetlbMount } from '../hugetlb/hugetlb.ts';
import { SHM_NORESERVE } from '../ipc/shm.ts';
import { panic } from '../panic.ts';
import type { Task } from '../process/process.ts';
import { O_RDWR } from '../uapi.ts';
import { DROP_PAGECACHE } from '../vmstat.ts';
import { FileAdvice } from './advice.ts';
import { DirectIo } from './direct.ts';
import { DirtyThrottle } from './dirty-throttle.ts';
import type { File } from './file.ts';
import { unmapFrame } from './file-rmap.ts';
import { FileSync } from './file-sync.ts';
import { type FileSystem, shmemFileSystem } from './file-system.ts';
import type { FilesState } from './files-state.ts';
import { Flusher } from './flusher.ts';
import { dropShadowNodes } from './index-nodes.ts';
import type { Backing, Inode } from './inode.ts';
import { InodeTable } from './inode-table.ts';
import { Metadata } from './metadata.ts';
import { MmapReadahead } from './mmap-readahead.ts';
import { NameSpace } from './name-space.ts';
import { PageCache } from './page-cache.ts';
import { PageIo } from './page-io.ts';
import { FileReader } from './read.ts';
import { Readahead } from './readahead.ts';
import { type CacheStat, cacheStat } from './residency.ts';
import { type Commit, Shmem } from './shmem.ts';
import { ShmemSwap, type SwapReader } from './shmem-swap.ts';
import { Truncation } from './truncate.ts';
import { type UserAccess, UserCopy } from './user-copy.ts';
import { Workingset } from './workingset.ts';
import { FileWriter } from './write.ts';
import { WriteBack } from './write-back.ts';

/** What the file layer needs of others. */
export interface FilesNeeds extends Commit {
  userAccess(): UserAccess;
  swapReader(): SwapReader;
}

/** What a new file on a disk may be told. */
export interface NewFile {
  readonly size?: number;
  /** Without it the file is a hole on a machine with contents. */
  readonly backing?: Backing;
  /** Which pages have blocks, as [start, end); all of them when it is not given. */
  readonly extents?: readonly (readonly [start: number, end: number])[];
  /** The inode number that it shows; else the next free one of its file system. */
  readonly ino?: number;
  readonly fs?: FileSystem;
}

/** st_dev of the kernel's own tmpfs mount, behind memfd and shared anonymous memory. */
const SHM_DEV = 1;
/** The same of hugetlbfs. */
const HUGETLB_DEV = 16;

/**
 * Every file of the machine, with its pages: makes and forgets inodes and open files, owns the parts that move pages, and
 * serves the other subsystems of the kernel. `Files` adds the system calls.
 */
export class FileStore implements FileOps {
  readonly names: NameSpace = new NameSpace();
  readonly metadata: Metadata;
  readonly workingset: Workingset;
  readonly cache: PageCache;
  readonly io: PageIo;
  readonly shmem: Shmem;
  readonly ahead: Readahead;
  readonly mmapReadahead: MmapReadahead;
  readonly writeBack: WriteBack;
  readonly flusher: Flusher;
  readonly sync: FileSync;
  readonly throttle: DirtyThrottle;
  readonly truncation: Truncation;
  readonly reader: FileReader;
  readonly writer: FileWriter;
  readonly direct: DirectIo;
  readonly advice: FileAdvice;
  protected readonly core: PageCore;
  protected readonly userCopy: UserCopy;
  readonly #commit: Commit;
  readonly #tmpfs: FileSystem = shmemFileSystem(SHM_DEV);
  readonly #hugetlbfs: FileSystem = { ...shmemFileSystem(HUGETLB_DEV), name: 'hugetlbfs' };
  readonly #table: InodeTable = new InodeTable(this.names);

  constructor(core: PageCore, needs: FilesNeeds) {
    this.core = core;
    this.#commit = needs;
    this.userCopy = new UserCopy(
      () => needs.userAccess(),
      core.contents === 'bytes' ? core.memory : undefined,
      core.clock,
    );
    const copy = this.userCopy;
    this.metadata = new Metadata(core.clock);
    this.workingset = new Workingset(core);
    this.cache = new PageCache(core, this.workingset, {
      uncommit: (pages) => needs.release(pages),
      dirtied: (inode) => this.flusher.inodeDirtied(inode),
    });
    this.io = new PageIo(core, this.cache);
    const shmemSwap = new ShmemSwap(core, this.cache, () => needs.swapReader());
    this.shmem = new Shmem(this.cache, shmemSwap, copy, needs, core.zeroFrame);
    this.ahead = new Readahead(this.cache, this.io, core.trace);
    this.mmapReadahead = new MmapReadahead(this.cache, this.ahead);
    this.writeBack = new WriteBack(core, this.cache, this.io, {
      failed: (inode, errno) => this.sync.failed(inode, errno),
      answered: (request) => this.flusher.answered(request),
      submitted: (task, inode, first, end) => this.metadata.allocated(task, inode, first, end),
    });
    this.flusher = new Flusher(core, this.cache, this.writeBack, this.metadata);
    this.sync = new FileSync(this.writeBack, this.flusher, this.metadata);
    this.throttle = new DirtyThrottle(core, this.flusher);
    this.truncation = new Truncation(core, this.cache, this.io, this.metadata, this.writeBack, this.shmem);
    this.reader = new FileReader(this.cache, this.io, this.ahead, copy, core.trace);
    this.writer = new FileWriter(this.cache, this.io, this.shmem, copy, this.throttle, this.writeBack, this.truncation);
    this.direct = new DirectIo(this.io, this.writeBack, this.truncation, copy, this.metadata);
    this.advice = new FileAdvice(this.ahead, this.writeBack, this.truncation, core.lru);
  }

  /** The inode of a number as the frame table's `mapping` column holds it. */
  inode(id: number): Inode | undefined {
    return this.#table.get(id);
  }

  get inodes(): IterableIterator<Inode> {
    return this.#table.values();
  }

  /** Makes a file under a path, written to the disk in full, nothing of it cached. */
  create(path: string, init: NewFile = {}, task?: Task): Inode {
    const { size = 0, backing, fs = this.names.fileSystemOf(path) } = init;
    if (fs.pool !== undefined) return this.#createHuge(path, fs, fs.pool);
    const inode = this.#table.add({ name: path, kind: 'file', fs, size, backing }, init.ino);
    for (const [start, end] of init.extents ?? [[0, Math.ceil(size / PAGE_SIZE)]]) inode.extents.add(start, end);
    this.writeBack.commit(inode);
    this.metadata.created(task, inode);
    if (size > 0) this.metadata.blocksChanged(task, inode);
    const old = this.names.link(path, inode);
    if (old !== undefined) this.#forgetUnused(old, task);
    return inode;
  }

  /** A new, empty file in a mount of hugetlbfs. */
  #createHuge(path: string, fs: FileSystem, pool: HugePool): Inode {
    const huge = this.core.hugetlb.newFile(pool);
    const inode = this.#table.add({ name: path, kind: 'hugetlb', fs, size: 0, huge });
    const old = this.names.link(path, inode);
    if (old !== undefined) this.#forgetUnused(old, undefined);
    return inode;
  }

  /** mount -t hugetlbfs. @returns 0, or -EINVAL when the pool cannot give what `minSize` reserves */
  mountHugetlbfs(path: string, options: HugetlbMount = {}): number {
    const pool = this.core.hugetlb.newMount(options);
    if (typeof pool === 'number') return pool;
    const dev = HUGETLB_DEV + this.names.mounts.length;
    this.names.mount(path, { ...shmemFileSystem(dev), name: 'hugetlbfs', pool });
    return 0;
  }

  /** Takes a name away (unlink(2)); the file goes with its last name and user. @returns whether there was one */
  unlink(path: string, task?: Task): boolean {
    const inode = this.names.unlink(path);
    if (inode === undefined) return false;
    this.metadata.unlinked(task, inode);
    this.#forgetUnused(inode, task);
    return true;
  }

  /** An open file description of an inode, held by whoever asked. */
  openInode(inode: Inode, flags: number): File {
    if (inode.kind === 'file') this.core.slab.lookedUp(inode);
    this.core.slab.files.allocate();
    const file = this.#table.open(inode, flags);
    payForFile(this.core, file, true);
    this.sync.opened(file);
    return file;
  }

  /** The open file of a number (`File.id`). */
  openFile(id: number): File | undefined {
    return this.#table.openFile(id);
  }

  /** Unnamed memory with a name for people: memfd_create(2). */
  memfd(name: string, flags: number): File {
    return this.openInode(this.#memoryInode(`/memfd:${name} (deleted)`, 0, 'page'), flags);
  }

  shmemFile(bytes: number, commit: 'size' | 'page'): File {
    const file = this.openInode(this.#memoryInode('/dev/zero (deleted)', bytes, commit), 2);
    file.references = 0;
    return file;
  }

  hugetlbFile(hstate: Hstate, bytes: number): File {
    return this.openInode(this.hugetlbInode('/anon_hugepage (deleted)', hstate, bytes), O_RDWR);
  }

  shmSegment(name: string, bytes: number, commit: 'size' | 'page'): File {
    return this.openInode(this.#memoryInode(name, bytes, commit), O_RDWR);
  }

  hugeSegment(name: string, bytes: number, flags: number): File | number {
    const { hugetlb } = this.core;
    const hstate = hugetlb.hstateOfFlags(flags);
    if (hstate === undefined) return -EINVAL;
    const count = Math.ceil(bytes / (hstate.pages * PAGE_SIZE));
    const huge = hugetlb.newFile({ hstate, subpool: undefined }, true);
    const error = flags & SHM_NORESERVE ? 0 : hugetlb.reservations.reserveFile(huge, 0, count);
    if (error !== 0) return error;
    const size = count * hstate.pages * PAGE_SIZE;
    return this.openInode(this.#table.add({ name, kind: 'hugetlb', fs: this.#hugetlbfs, size, huge }), O_RDWR);
  }

  /** A file of huge pages without a name in a directory; all of it is a hole. */
  protected hugetlbInode(name: string, hstate: Hstate, size: number): Inode {
    const huge = this.core.hugetlb.newFile({ hstate, subpool: undefined });
    return this.#table.add({ name, kind: 'hugetlb', fs: this.#hugetlbfs, size, huge });
  }

  #memoryInode(name: string, size: number, commit: 'size' | 'page'): Inode {
    return this.#table.add({ name, kind: 'shmem', fs: this.#tmpfs, size, commit });
  }

  /** One more descriptor or mapping holds an open file (get_file). */
  get(file: File): void {
    file.references++;
  }

  /** One holder lets go (fput); the last one closes it. */
  put(file: File): void {
    if (--file.references > 0) return;
    this.flushOnClose(file.inode);
    this.#table.close(file);
    this.core.slab.files.free();
    payForFile(this.core, file, false);
    this.#forgetUnused(file.inode, this.core.current);
  }

  /**
   * Somebody closes the file: if it was cut to nothing since, what was written then goes to the disk now, so that a crash
   * does not leave a replaced file empty (ext4_release_file, auto_da_alloc).
   */
  flushOnClose(inode: Inode): void {
    if (!inode.flushOnClose) return;
    inode.flushOnClose = false;
    this.writeBack.start(inode);
  }

  #forgetUnused(inode: Inode, task: Task | undefined): void {
    if (inode.links > 0 || inode.users > 0) return;
    this.metadata.deleted(task, inode);
    if (inode.huge !== undefined) this.core.hugetlb.files.evict(inode);
    else this.truncation.evict(inode);
    if (inode.kind === 'shmem' && inode.commit === 'size') this.#commit.release(Math.ceil(inode.size / PAGE_SIZE));
    this.core.slab.forgotten(inode);
    this.#table.delete(inode);
  }

  mapFile(vma: Vma): void {
    if (vma.file === undefined) return;
    this.get(vma.file);
    vma.file.inode.mappings.add(vma);
  }

  unmapFile(vma: Vma): void {
    if (vma.file === undefined) return;
    vma.file.inode.mappings.delete(vma);
    this.put(vma.file);
  }

  /** Blocks for a byte range, which read as zeros (ext4_alloc_file_blocks). */
  protected allocate(task: Task, inode: Inode, from: number, to: number): void {
    const [first, end] = [Math.floor(from / PAGE_SIZE), Math.ceil(to / PAGE_SIZE)];
    this.metadata.inodeChanged(task, inode);
    this.metadata.allocated(task, inode, first, end);
    for (let index = first; index < end; index++) if (!inode.extents.has(index)) inode.unwritten.add(index, index + 1);
  }

  syncRange(_task: Task, file: File, from: number, to: number): number {
    return this.sync.fsync(file, Math.floor(from / PAGE_SIZE), Math.ceil(to / PAGE_SIZE));
  }

  punchHole(task: Task, file: File, offset: number, length: number): number {
    if (file.inode.huge !== undefined) this.core.hugetlb.files.punchHole(file.inode, offset, length);
    else this.truncation.punchHole(task, file.inode, offset, length);
    return 0;
  }

  willneed(task: Task, file: File, offset: number, length: number): void {
    this.advice.willNeed(task, file, offset, offset + length);
  }

  /** A page was written through a mapping (folio_mark_dirty from zap_pte_range). */
  markDirty(frame: Pfn): void {
    const inode = this.#table.get(this.core.table.mapping[frame] as number);
    if (inode !== undefined) this.cache.markDirty(undefined, inode, frame);
  }

  /** A cached page lies in another frame from now on (folio_migrate_mapping). */
  moveFrame(from: Pfn, to: Pfn): void {
    const { mapping, index } = this.core.table;
    this.inode(mapping[from] as number)?.pages.set(index[from] as number, to);
  }

  /**
   * Reclaim wants the memory of a page that nothing maps any more (shrink_folio_list): a clean folio goes with the last
   * of its pages and leaves its shadow; a dirty one, or one under write-back, is marked for when it has been written, and stays.
   */
  evict(frame: Pfn, target: number): void {
    const inode = this.#table.get(this.core.table.mapping[frame] as number);
    if (inode === undefined) return;
    if (this.cache.isDirty(frame) || this.cache.isWriteback(frame))
      this.core.table.set(this.cache.headOf(frame), PG_RECLAIM);
    else if (!this.cache.isMapped(frame)) this.cache.remove(inode, frame, target);
  }

  /** The task that runs now waits until the disk has a folio of a file (folio_wait_writeback). */
  waitForWriteback(head: Pfn): void {
    const inode = this.#table.get(this.core.table.mapping[head] as number);
    const index = this.core.table.index[head] as number;
    if (inode !== undefined) this.writeBack.wait(inode, index, index + this.cache.folioPages(head));
  }

  /** A dirty page of a memory file that nothing maps goes to swap. @returns false when swap has no room */
  moveToSwap(frame: Pfn): boolean {
    const inode = this.#table.get(this.core.table.mapping[frame] as number);
    return inode !== undefined && this.shmem.swap.writeOut(inode, frame);
  }

  /** Makes single pages of a large folio of a file; its mappings go. */
  splitFolio(frame: Pfn): void {
    const head = this.cache.headOf(frame);
    for (let i = this.cache.folioPages(head) - 1; i >= 0; i--) unmapFrame(this.core, pfn(head + i));
    this.cache.splitAll(head);
  }

  /** Drops every clean page that nothing maps (vm.drop_caches=1); returns how many went. */
  dropAll(): number {
    this.core.lru.drain();
    this.core.vmstat.count(DROP_PAGECACHE);
    let dropped = 0;
    for (const inode of this.#table.values()) if (inode.kind === 'file') dropped += this.truncation.invalidate(inode);
    return dropped;
  }

  /** Gives back nodes of page indexes that hold only shadows and that a group pays for. @returns how many */
  dropShadowNodes(group: number, nodes: number): number {
    return dropShadowNodes(this.core, this.#table.values(), group, nodes);
  }

  /** Writes every dirty page (sync(2)). */
  syncAll(): void {
    const devices = new Set(this.names.mounts.map(([, fs]) => fs));
    this.sync.all(this.#table.values(), devices);
  }

  /** What cachestat(2) says of a byte range; a length of 0 is the rest of the file. */
  cacheStatOf(inode: Inode, offset = 0, length = 0): CacheStat {
    return cacheStat(this.cache, this.workingset, inode, offset, length);
  }

  /** The frame of a page that is cached and up to date, as mincore(2) asks (mincore_page), or -1. */
  residentFrame(inode: Inode, index: number): Pfn | -1 {
    const frame = this.cache.find(inode, index);
    return frame >= 0 && this.cache.isUptodate(pfn(frame)) ? pfn(frame) : -1;
  }

  /** Everything but the mappings, which belong to the address spaces. */
  save(): FilesState {
    return {
      ...this.#table.save(this.core.hugetlb),
      workingsetAge: this.workingset.age,
      flusher: this.flusher.save(),
      inFlight: this.writeBack.inFlight.save(),
      metadata: this.metadata.save(),
    };
  }

  /** Takes the place of all files. */
  restore(state: FilesState): void {
    this.#table.restore(state, [this.#tmpfs, this.#hugetlbfs], this.core.hugetlb);
    this.metadata.restore(state.metadata);
    this.workingset.restore(state.workingsetAge);
    this.cache.dirtyInodes.clear();
    const inodes = [...this.#table.values()];
    const dirty = inodes.filter(({ dirtyPages }) => dirtyPages > 0).sort((a, b) => a.dirtiedWhen - b.dirtiedWhen);
    for (const inode of dirty) this.cache.dirtyInodes.add(inode);
    const fileSystems = new Map(inodes.map(({ fs }) => [fs.dev, fs]));
    this.flusher.restore(state.flusher, fileSystems, (id) => this.#table.get(id));
    this.writeBack.inFlight.restore(
      state.inFlight,
      (id) => this.#table.get(id) ?? panic('files: a file under write-back is gone'),
    );
  }
}
