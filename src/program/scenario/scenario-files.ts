import { pageOf } from '../../hardware/units.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { hostBacking, patternBacking } from '../../kernel/page-cache/backing.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import { ext4FileSystem, type FileSystem } from '../../kernel/page-cache/file-system.ts';
import type { Inode } from '../../kernel/page-cache/inode.ts';
import type { CacheStat } from '../../kernel/page-cache/residency.ts';
import type { Task } from '../../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import type { Machine } from '../../machine/machine.ts';
import type { HostFile } from './host-files.ts';

const PAGE_KB = 4;
/** What the oracle writes at a time when it makes a file. */
const WRITE_BYTES = 1 << 20;

/** Of zram: max_sectors_kb is 124, logical_block_size 4096. */
const ZRAM = { ioPages: 31, logicalBlock: 4096 };
/** Active pages of files that the other programs of the oracle's machine keep in memory. */
const ACTIVE_ELSEWHERE = 90_000;

/** A device that answers after a while: 60 us and 1 GB/s, which no answer shows but the order of events. */
const requestTime = (bytes: number): number => 60_000 + bytes;

/** The file systems that the oracle's set-up makes (conformance/setup.sh), by the name in `# dir:`. */
const FILE_SYSTEMS: Readonly<Record<string, () => FileSystem>> = {
  'ext4-small': () => ext4FileSystem(252 << 20, { largeFolios: false, ...ZRAM }),
  ext4: () => ext4FileSystem((252 << 20) | 1, ZRAM),
  'ext4-async': () => ext4FileSystem(7 << 20, { requestTime }),
  'ext4-disk': () => ext4FileSystem((254 << 20) | 1, { raPages: 8192 / PAGE_KB, requestTime }),
};

/** The same in the VM (conformance/vm): virtio disks, whose max_sectors_kb is 4096. */
const VIRTIO = { ioPages: 4096 / PAGE_KB, requestTime };
const VM_FILE_SYSTEMS: typeof FILE_SYSTEMS = {
  ...FILE_SYSTEMS,
  'ext4-small': () => ext4FileSystem((254 << 20) | 16, { largeFolios: false, ...VIRTIO }),
  ext4: () => ext4FileSystem(254 << 20, VIRTIO),
  'ext4-async': () => ext4FileSystem((254 << 20) | 16, { largeFolios: false, ...VIRTIO }),
};

/**
 * On a machine with a disk the file system lies there, whatever the oracle's device would have taken; on one without large
 * folios it has none either.
 */
const onMachine = (fs: FileSystem, { requestTime, options: { disk, largeFolios } }: Machine): FileSystem => ({
  ...fs,
  ...(disk && { requestTime, stableWrites: disk.stableWrites }),
  largeFolios: fs.largeFolios && largeFolios,
});

/** The files of a scenario: the directory that they lie in, and the process that writes them, as the oracle does. */
export class ScenarioFiles {
  readonly #machine: Machine;
  readonly #directory: string;
  readonly #fileSystem: FileSystem;
  #writer: { task: Task; buffer: number } | undefined;

  /**
   * @param directory the scenario's `# dir:`
   * @param isVm the scenario is one of the VM
   */
  constructor(machine: Machine, directory: string, isVm: boolean) {
    this.#machine = machine;
    this.#directory = directory;
    const make = (isVm ? VM_FILE_SYSTEMS : FILE_SYSTEMS)[directory] ?? (() => ext4FileSystem(252 << 20));
    this.#fileSystem = onMachine(make(), machine);
    machine.kernel.files.names.mount(`/${directory}`, this.#fileSystem);
    machine.kernel.files.workingset.elsewhere = isVm ? 0 : ACTIVE_ELSEWHERE;
  }

  get #kernel(): Kernel {
    return this.#machine.kernel;
  }

  /** The absolute path of a name in a scenario. */
  path(name: string): string {
    return name.startsWith('/') ? name : `/${this.#directory}/${name}`;
  }

  /** Every file of the scenario's directory, and every memfd. */
  own(): Inode[] {
    const folder = `/${this.#directory}/`;
    const isOwn = ({ name }: Inode) => name.startsWith(folder) || name.startsWith('/memfd:');
    return [...this.#kernel.files.inodes].filter(isOwn);
  }

  find(name: string): Inode | undefined {
    return this.#kernel.files.names.find(this.path(name));
  }

  /** An open executable of this size, all of it cached: the program that processes run. */
  program(bytes: number): File {
    const { files } = this.#kernel;
    const inode = files.create('/oracle', { size: bytes, backing: patternBacking(bytes) });
    return files.openInode(inode, O_RDWR);
  }

  /**
   * Makes a file of the language's pattern, written to the disk.
   * @param cached what was written stays in the cache
   */
  create(name: string, size: number, cached: boolean): void {
    const { files } = this.#kernel;
    const path = this.path(name);
    if (!cached) {
      files.create(path, { size, backing: patternBacking(size) });
      return;
    }
    const inode = files.create(path, { size: 0, backing: patternBacking(size) });
    this.#write(files.openInode(inode, O_RDWR), size);
    files.writeBack.sync(inode);
  }

  /** Makes a file that has the size and the contents of one of the host; nothing of it is cached. */
  createFromHost(name: string, { size, read }: HostFile): void {
    this.#kernel.files.create(this.path(name), { size, backing: hostBacking(read) });
  }

  /** Writes the pattern from a buffer of the writing process, 1 MiB at a time. */
  #write(file: File, size: number): void {
    this.#writer ??= this.#startWriter();
    const { task, buffer } = this.#writer;
    const pattern = patternBacking(size);
    this.#machine.runOn(0, task);
    for (let offset = 0; offset < size; offset += WRITE_BYTES) {
      const bytes = Math.min(WRITE_BYTES, size - offset);
      for (let done = 0; done < bytes; done += 4096) {
        const page = new Uint8Array(4096);
        pattern.readPage((offset + done) / 4096, page);
        this.#machine.writeBytes(task, buffer + done, page);
      }
      this.#kernel.files.writer.write(task, file, offset, bytes, buffer);
    }
  }

  #startWriter(): { task: Task; buffer: number } {
    const task = this.#kernel.processes.spawn('oracle', pageOf(2 ** 46));
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    const prot = PROT_READ | PROT_WRITE;
    return { task, buffer: this.#kernel.addressSpaces.mmap(task, 0, WRITE_BYTES, prot, flags, undefined, 0) };
  }

  /** Writes what is dirty and drops what nothing maps, as fsync and POSIX_FADV_DONTNEED do. */
  evict(inode: Inode): void {
    const { files, lru } = this.#kernel;
    files.flushOnClose(inode);
    files.writeBack.sync(inode);
    lru.drain();
    files.truncation.invalidate(inode);
  }

  /** Takes a name away; what that costs and saves is nobody's of the scenario, as it is the controller's of the oracle. */
  unlink(name: string): void {
    const kernel = this.#kernel;
    const { current } = kernel;
    kernel.current = undefined;
    kernel.files.unlink(this.path(name));
    kernel.current = current;
  }

  cachestat(inode: Inode): CacheStat {
    return this.#kernel.files.cacheStatOf(inode);
  }

  /** The frame that caches a page of a file, or -1. */
  residentFrame(inode: Inode, index: number): number {
    return this.#kernel.files.residentFrame(inode, index);
  }

  syncAll(): void {
    this.#kernel.files.syncAll();
  }

  dropAll(): void {
    this.#kernel.files.dropAll();
  }

  /** `queue/read_ahead_kb` of the scenario's device. */
  setReadaheadKb(kb: number): void {
    this.#fileSystem.raPages = Math.floor(kb / PAGE_KB);
  }

  /** The same of any device: the machine's disk has 8192 kB, the oracle's devices 128. */
  readaheadKbOf(path: string): number {
    return path.includes('/vda/') ? 8192 : this.#fileSystem.raPages * PAGE_KB;
  }
}
