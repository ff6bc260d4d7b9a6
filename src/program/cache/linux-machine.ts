import { STORE } from '../../hardware/cpu.ts';
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { POSIX_FADV_RANDOM } from '../../kernel/page-cache/advice.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import { DEFAULT_RA_PAGES, ext4FileSystem, type FileSystem } from '../../kernel/page-cache/file-system.ts';
import { panic } from '../../kernel/panic.ts';
import type { Task } from '../../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import {
  NR_DIRTY,
  NR_WRITTEN,
  PGPGIN,
  WORKINGSET_ACTIVATE_FILE,
  WORKINGSET_REFAULT_FILE,
} from '../../kernel/vmstat.ts';
import { Machine } from '../../machine/machine.ts';
import { LARGEST_FILE, ONLY_STREAM } from './calls.ts';
import type { DiskTraffic, TraceFacts } from './policy.ts';

/** 64 GiB: a frame of the machine takes about 50 bytes here. */
export const MOST_PAGES = 2 ** 24;

/**
 * The limit, and nothing else, is to decide: the machine has an eighth and 32 MiB more, so that no zone falls below its
 * watermarks and kswapd has nothing to do.
 */
const machineBytes = (pages: number): number => (Math.ceil(pages * 1.125) + 8192) * PAGE_SIZE;

/** The buffer of the process. Longer calls are made in pieces of it, as programs do. */
const BUFFER = 1 << 21;
/** Above the mappings of every program. */
const MMAP_BASE = vpn(0x7ffff7fff);
/** Open files that are remembered; who comes back after so many others begins with a new readahead. */
const OPEN_FILES = 1024;
/** MKDEV(254, 1): the first partition of the first virtio disk. */
const DEVICE = (254 << 20) | 1;
/** What the pages of objects are in; volumes and files have their numbers. */
const OBJECTS = '/objects';

/**
 * Reclaim balances its lists by statistics that the kernel adds up every two seconds. A trace without times has none: they
 * are added up after so many calls.
 */
const STATS_CALLS = 16;

/** Never killed (include/uapi/linux/oom.h). */
const OOM_SCORE_ADJ_MIN = -1000;

/** A machine with one process, which reads and writes the files of a trace under a limit on the cache's pages. */
export class LinuxMachine {
  readonly #machine: Machine;
  readonly #fs: FileSystem;
  readonly #task: Task;
  readonly #buffer: number;
  readonly #facts: TraceFacts;
  #calls = 0;
  /** By stream, or below 0 by file; the one used last is last. */
  readonly #open = new Map<number, File>();

  constructor(capacity: number, facts: TraceFacts) {
    this.#facts = facts;
    const machine = new Machine({ memory: machineBytes(capacity), transparentHugePages: 'never' });
    const { processes, addressSpaces, cgroups } = machine.kernel;
    this.#machine = machine;
    // The limit is one of objects: the nodes of their index are not to take places of theirs (cgroup.memory=nokmem).
    cgroups.kernelMemory = false;
    this.#fs = ext4FileSystem(DEVICE, { raPages: facts.readAheadPages ?? DEFAULT_RA_PAGES });
    this.#task = processes.spawn('replay', MMAP_BASE);
    machine.runOn(0, this.#task);
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    this.#buffer = addressSpaces.mmap(this.#task, 0, BUFFER, PROT_READ | PROT_WRITE, flags, undefined, 0);
    for (let at = 0; at < BUFFER; at += PAGE_SIZE) machine.touch(this.#task, this.#buffer + at, STORE);
    // Joined when its own memory is there: pages stay charged to whom they were charged first.
    const group = cgroups.create('trace') ?? panic('linux-machine: no memory cgroup');
    group.memory.max = capacity;
    this.#task.mm.memcg = group.id;
    // A limit of a few pages is passed now and then, which nobody is to be killed for.
    this.#task.process.oomScoreAdj = OOM_SCORE_ADJ_MIN;
  }

  /** The open file that a call goes through. */
  open(number: number, stream: number): File {
    const key = stream === ONLY_STREAM ? -1 - number : stream;
    const known = this.#open.get(key);
    if (known !== undefined && this.#open.size < OPEN_FILES) return known;
    this.#open.delete(key);
    const file = known ?? this.#openNew(String(number), this.#facts.fileSizes?.of(number) ?? LARGEST_FILE);
    this.#open.set(key, file);
    if (this.#open.size > OPEN_FILES) this.#closeOldest();
    return file;
  }

  /** The file whose pages are objects; nothing is read ahead of them. */
  openObjects(): File {
    const file = this.#openNew(OBJECTS, LARGEST_FILE);
    this.#machine.kernel.files.advice.advise(this.#task, file, 0, 0, POSIX_FADV_RANDOM);
    return file;
  }

  #openNew(name: string, size: number): File {
    const { files } = this.#machine.kernel;
    const path = `/${name}`;
    const inode = files.names.find(path) ?? files.create(path, { size, fs: this.#fs });
    return files.openInode(inode, O_RDWR);
  }

  #closeOldest(): void {
    for (const [key, file] of this.#open) {
      this.#open.delete(key);
      this.#machine.kernel.files.put(file);
      return;
    }
  }

  /** Lets time pass until so many nanoseconds after the trace's beginning; the flusher does its work on the way. */
  passTimeUntil(time: number): void {
    const { clock } = this.#machine;
    if (time > clock.now) clock.sleep(time - clock.now);
  }

  /** Reads or writes bytes of a file, which end before LARGEST_FILE. @returns how many of their pages were not cached */
  call(file: File, offset: number, length: number, isWrite: boolean): number {
    const { kernel, clock } = this.#machine;
    const { files } = kernel;
    const misses = missing(file, offset, length);
    for (let done = 0; done < length; ) {
      const bytes = Math.min(BUFFER, length - done);
      const result = isWrite
        ? files.writeAt(this.#task, file, offset + done, bytes, this.#buffer)
        : files.readAt(this.#task, file, offset + done, bytes, this.#buffer);
      if (result <= 0) panic(`linux-machine: a call for byte ${offset + done} of ${file.inode.name} returns ${result}`);
      done += result;
    }
    clock.settle();
    if (this.#calls++ % STATS_CALLS === 0) kernel.groupStats.flush();
    return misses;
  }

  traffic(): DiskTraffic {
    const { vmstat } = this.#machine.kernel;
    return {
      read: (vmstat.value(PGPGIN) * 1024) / PAGE_SIZE,
      written: vmstat.value(NR_WRITTEN),
      dirty: vmstat.value(NR_DIRTY),
      refaulted: vmstat.value(WORKINGSET_REFAULT_FILE),
      activated: vmstat.value(WORKINGSET_ACTIVATE_FILE),
    };
  }
}

function missing({ inode }: File, offset: number, length: number): number {
  const last = Math.floor((offset + length - 1) / PAGE_SIZE);
  let misses = 0;
  for (let index = Math.floor(offset / PAGE_SIZE); index <= last; index++) if (inode.pages.get(index) <= 0) misses++;
  return misses;
}
