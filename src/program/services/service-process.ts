import { costs } from '../../hardware/costs.ts';
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES } from '../../kernel/address-space/mm.ts';
import { errnoName, isError } from '../../kernel/errno.ts';
import { panic } from '../../kernel/panic.ts';
import type { Task } from '../../kernel/process/process.ts';
import {
  CAUSE_COPY,
  CAUSE_INSTRUCTIONS,
  CAUSE_MAJOR_FAULT,
  CAUSE_MINOR_FAULT,
  CAUSE_SYSCALL,
} from '../../kernel/time/clock.ts';
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  O_CREAT,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_NOFILE,
} from '../../kernel/uapi.ts';
import type { Machine } from '../../machine/machine.ts';

/** Top of the mmap region, where the first mapping ends. */
const MMAP_BASE = vpn(0x7ffff7fff);
/** Elasticsearch asks for 65535 descriptors, Kafka for 100000. */
const DESCRIPTORS = 100_000;

/** The machine refuses what a service cannot do without: its heap does not fit into memory, or there are too few descriptors. */
export class ServiceError extends Error {
  override readonly name: string = 'ServiceError';
}

/**
 * A server's process as its model drives it: what it does costs the time that hardware/costs.ts says. TLB misses and
 * the network cost nothing here.
 */
export class ServiceProcess {
  readonly machine: Machine;
  readonly task: Task;

  constructor(machine: Machine, name: string) {
    this.machine = machine;
    this.task = machine.kernel.processes.spawn(name, MMAP_BASE);
    this.task.process.rlimits.soft[RLIMIT_NOFILE] = DESCRIPTORS;
    machine.runOn(0, this.task);
  }

  /** Nanoseconds since the machine's boot. */
  get now(): number {
    return this.machine.clock.now;
  }

  /** Anonymous memory, none of it touched. @returns its address */
  allocate(bytes: number): number {
    const { addressSpaces } = this.machine.kernel;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return this.done(addressSpaces.mmap(this.task, 0, bytes, PROT_READ | PROT_WRITE, flags, undefined, 0), 'mmap');
  }

  /** Maps an open file from its beginning. @param flags MAP_SHARED or MAP_PRIVATE */
  map(fd: number, bytes: number, prot: number, flags: number): number {
    const file = this.task.process.files.get(fd);
    return this.call('mmap', () => this.machine.kernel.addressSpaces.mmap(this.task, 0, bytes, prot, flags, file, 0));
  }

  /** A new empty file, open for reading and writing. */
  create(path: string): number {
    return this.call('openat', () => this.machine.kernel.files.open(this.task, path, O_RDWR | O_CREAT));
  }

  /** Stores to or loads from every page of a range. @param kind LOAD or STORE */
  touch(address: number, bytes: number, kind: number): void {
    const end = address + bytes;
    this.#book(() => {
      for (let at = address; at < end; at += PAGE_SIZE - (at % PAGE_SIZE)) {
        const signal = this.machine.touch(this.task, at, kind);
        if (signal !== undefined) panic(`service: a touch of ${at} raises signal ${signal.signo}`);
      }
      return 0;
    });
  }

  /**
   * A system call that must not fail.
   * @param copied bytes that it copies between the kernel and the program
   * @throws ServiceError when it does
   */
  call(name: string, work: () => number, copied = 0): number {
    const { clock } = this.machine;
    clock.spend(costs.systemCall, CAUSE_SYSCALL);
    const result = this.done(this.#book(work), name);
    if (copied > 0) clock.spend((copied / PAGE_SIZE) * costs.pageCopy, CAUSE_COPY);
    return result;
  }

  /** Lets the time of so many instructions pass. */
  compute(instructions: number): void {
    this.machine.clock.spend(instructions * costs.instruction, CAUSE_INSTRUCTIONS);
  }

  /** The result of a call that must not fail. @throws ServiceError when it did */
  done(result: number, name: string): number {
    if (isError(result)) throw new ServiceError(`${name} fails with ${errnoName(-result)}`);
    return result;
  }

  /** Does something that may fault, and lets the faults' time pass. */
  #book(work: () => number): number {
    const { task } = this;
    const { clock } = this.machine;
    const { minFlt, majFlt, mm } = task;
    const anonymous = mm.rss[MM_ANONPAGES] as number;
    const mapped = mm.rss[MM_FILEPAGES] as number;
    const result = work();
    const minor = task.minFlt - minFlt;
    const major = task.majFlt - majFlt;
    if (minor + major === 0) return result;
    const cleared = Math.max(0, (mm.rss[MM_ANONPAGES] as number) - anonymous);
    const around = Math.max(0, (mm.rss[MM_FILEPAGES] as number) - mapped - minor - major);
    clock.spend(
      minor * costs.minorFault + cleared * costs.pageClear + around * costs.faultAroundPage,
      CAUSE_MINOR_FAULT,
    );
    if (major > 0) clock.spend(major * costs.majorFault, CAUSE_MAJOR_FAULT);
    return result;
  }
}
