import { BlockDevice, type BlockDeviceState, blockDeviceNamed } from '../hardware/block-device.ts';
import { Cpu, type CpuState, LOAD, STORE } from '../hardware/cpu.ts';
import { PhysicalMemory, type PhysicalMemoryState } from '../hardware/physical-memory.ts';
import { processorNamed } from '../hardware/processors/index.ts';
import { PAGE_SIZE, pageOf } from '../hardware/units.ts';
import { errnoName } from '../kernel/errno.ts';
import { FrameTable } from '../kernel/frames/frame-table.ts';
import { HUGETLB_SYSCTLS } from '../kernel/hugetlb/sysctls.ts';
import { Kernel } from '../kernel/kernel.ts';
import { type KernelState, restoreKernel, saveKernel } from '../kernel/kernel-state.ts';
import { ext4FileSystem, type FileSystem, queueLimits } from '../kernel/page-cache/file-system.ts';
import { defaultParams, setSysctl } from '../kernel/params.ts';
import type { Task } from '../kernel/process/process.ts';
import { traceSwitch } from '../kernel/process/process-trace.ts';
import type { FaultSignal } from '../kernel/process/signal.ts';
import { SI_KERNEL, SIGSEGV } from '../kernel/uapi.ts';
import { fragment } from './ageing.ts';
import { type MachineOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { swaponRequests } from './swap-options.ts';
import { VirtualClock, type VirtualClockState } from './virtual-clock.ts';

/** What Linux loads into PKRU for a new program: no access by any key but 0 (init_pkru_value). */
const INIT_PKRU = 0x55555554;
/** MKDEV(254, 1): the first partition of the first virtio disk. */
const ROOT_DEVICE = (254 << 20) | 1;
/** Canonical user addresses end here with 4-level tables, and those of the kernel begin 2^47 below 2^64. */
const USER_HALF_END = 2 ** 47;
const USER_HALF_END_5 = 2 ** 56;
const ALL_ADDRESSES = 2 ** 64;

/** A computer: RAM, CPUs, and a kernel that has booted on them. */
export class Machine {
  readonly options: ResolvedOptions;
  readonly memory: PhysicalMemory;
  readonly cpus: readonly Cpu[];
  readonly clock: VirtualClock = new VirtualClock();
  readonly kernel: Kernel;
  /** The disk below the root file system, when requests to it take time. */
  readonly disk: BlockDevice | undefined;
  /** How long who submits a request to that disk now will wait, in ns; a file system's, if it lies there. */
  readonly requestTime: FileSystem['requestTime'];
  /** What each CPU runs, for the tracepoints. */
  readonly #running: (Task | undefined)[] = [];

  /** @throws RangeError for options that no machine can have, and for a sysctl of an unknown name or a wrong value */
  constructor(options: MachineOptions = {}) {
    const resolved = resolveOptions(options);
    this.options = resolved;
    // Frame 0 is never given out, so that 0 can end lists.
    const frames = resolved.memory / PAGE_SIZE + 1;
    this.memory = new PhysicalMemory(frames);
    this.cpus = Array.from(
      { length: resolved.cpus },
      (_, id) => new Cpu(id, resolved.processor, this.memory, resolved.levels, resolved.nested),
    );
    for (const cpu of this.cpus) cpu.setPkru(INIT_PKRU);
    const params = defaultParams();
    const sysctls = Object.entries(resolved.sysctls);
    const pools = sysctls.filter(([name]) => HUGETLB_SYSCTLS.includes(name));
    for (const [name, value] of sysctls.filter((one) => !pools.includes(one))) {
      const result = setSysctl(params, name, value);
      if (result === 'unknown') throw new RangeError(`Machine: there is no sysctl ${name}`);
      if (result === 'invalid') throw new RangeError(`Machine: the kernel refuses ${name}=${value}`);
    }
    params.lruGen = resolved.mglru;
    this.kernel = new Kernel({
      memory: this.memory,
      table: new FrameTable(frames),
      cpus: this.cpus,
      clock: this.clock,
      params,
      contents: resolved.contents,
      cgroups: resolved.cgroups,
      timed: resolved.disk !== undefined,
      levels: resolved.levels,
      transparentHugePages: resolved.transparentHugePages,
    });
    for (const [name, value] of pools)
      if (this.kernel.sysctl(name, value) === 'invalid')
        throw new RangeError(`Machine: the kernel refuses ${name}=${value}`);
    for (const request of swaponRequests(resolved.swap, resolved.disk)) {
      const error = this.kernel.swapon(request);
      if (error < 0) throw new RangeError(`Machine: swapon ${request.path}: ${errnoName(-error)}`);
    }
    const { largeFolios } = resolved;
    const raPages = Math.floor(resolved.readAhead / PAGE_SIZE);
    if (resolved.disk === undefined) {
      this.kernel.files.names.mount('/', ext4FileSystem(ROOT_DEVICE, { largeFolios, raPages }));
      fragment(this.kernel, resolved.fragmented);
      return;
    }
    const disk = new BlockDevice(resolved.disk);
    this.disk = disk;
    this.requestTime = (bytes, write, start) => disk.submit(this.clock.now, start, bytes, write) - this.clock.now;
    // A swap file lies in the middle of the disk, apart from the files, which begin at its start.
    const middle = resolved.disk.bytes / 2;
    this.kernel.swap.requestTime = (bytes, write, start) => this.requestTime?.(bytes, write, middle + start) ?? 0;
    const root = { largeFolios, raPages, requestTime: this.requestTime, ...queueLimits(resolved.disk) };
    this.kernel.files.names.mount('/', ext4FileSystem(ROOT_DEVICE, root));
    fragment(this.kernel, resolved.fragmented);
  }

  /** Lets a task run on a CPU: its address space is loaded there if it is not already. */
  runOn(cpu: number, task: Task): void {
    const { trace } = this.kernel;
    trace.cpu = cpu;
    if (trace.on && this.#running[cpu] !== task) traceSwitch(trace, this.#running[cpu], task);
    trace.pid = task.tid;
    this.#running[cpu] = task;
    this.kernel.current = task;
    task.mm.ranSinceWalk = true;
    this.kernel.tlb.switchMm(cpu, task.mm);
  }

  /**
   * One access of a task on the CPU that runs it: TLB, page walk, page fault, and again until it succeeds.
   * @param address in bytes; the kernel's half and addresses that are not canonical may be given too
   * @param kind LOAD, STORE or FETCH
   * @returns the signal that the access raised, or undefined
   */
  touch(task: Task, address: number, kind: number): FaultSignal | undefined {
    const outside = this.#outsideUserHalf(address);
    if (outside !== undefined)
      return outside === 'kernel' ? this.kernel.faults.fault(task, address, 5) : GENERAL_PROTECTION;
    const cpu = this.cpus[this.kernel.tlb.current] as Cpu;
    const page = pageOf(address);
    for (let result = cpu.translate(page, kind); result < 0; result = cpu.translate(page, kind)) {
      const signal = this.kernel.faults.fault(task, address, -result - 1);
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  /** Loads bytes, as a program would, page by page. Contents must be kept. */
  readBytes(task: Task, address: number, length: number): Uint8Array | FaultSignal {
    const bytes = new Uint8Array(length);
    const signal = this.#transfer(task, address, length, LOAD, (frame, offset, done) => {
      bytes[done] = this.memory.readByte(frame as never, offset);
    });
    return signal ?? bytes;
  }

  /** Stores bytes, as a program would. @returns the signal that stopped it, what came before is written */
  writeBytes(task: Task, address: number, bytes: Uint8Array): FaultSignal | undefined {
    return this.#transfer(task, address, bytes.length, STORE, (frame, offset, done) => {
      this.memory.writeByte(frame as never, offset, bytes[done] as number);
    });
  }

  #transfer(
    task: Task,
    address: number,
    length: number,
    kind: number,
    move: (frame: number, offset: number, done: number) => void,
  ): FaultSignal | undefined {
    const cpu = this.cpus[this.kernel.tlb.current] as Cpu;
    for (let done = 0; done < length; ) {
      const at = address + done;
      const signal = this.touch(task, at, kind);
      if (signal !== undefined) return signal;
      const frame = cpu.translate(pageOf(at), kind);
      const offset = at % PAGE_SIZE;
      const inPage = Math.min(PAGE_SIZE - offset, length - done);
      for (let i = 0; i < inPage; i++) move(frame, offset + i, done + i);
      done += inPage;
    }
    return undefined;
  }

  /** The whole state as plain data (`encodeSnapshot` makes bytes of it). Open event sinks are not part of it. */
  save(): MachineState {
    return {
      options: {
        ...this.options,
        // Where pages of swap lay is no state: a restored machine has them in its own memory.
        swap: this.options.swap.map(({ backing, ...area }) => area),
        processor: this.options.processor.name,
        disk: this.options.disk?.name,
      },
      disk: this.disk?.save(),
      memory: this.memory.save(),
      clock: this.clock.save(),
      cpus: this.cpus.map((cpu) => cpu.save()),
      kernel: saveKernel(this.kernel),
    };
  }

  /** Boots a machine that goes on where the saved one was. */
  static restore(state: MachineState): Machine {
    const { processor, disk } = state.options;
    const machine = new Machine({
      ...state.options,
      processor: processorNamed(processor),
      disk: disk === undefined ? undefined : blockDeviceNamed(disk),
    });
    if (state.disk !== undefined) machine.disk?.restore(state.disk);
    machine.memory.restore(state.memory);
    machine.clock.restore(state.clock);
    machine.cpus.forEach((cpu, i) => {
      cpu.restore(state.cpus[i] as CpuState);
    });
    restoreKernel(machine.kernel, state.kernel);
    return machine;
  }

  #outsideUserHalf(address: number): 'kernel' | 'noncanonical' | undefined {
    const end = this.options.levels === 5 ? USER_HALF_END_5 : USER_HALF_END;
    if (address < end) return undefined;
    return address >= ALL_ADDRESSES - end ? 'kernel' : 'noncanonical';
  }
}

/** A machine's state as plain data: objects, numbers, strings and typed arrays. */
export interface MachineState {
  /** Models are saved by their names. */
  readonly options: Omit<ResolvedOptions, 'processor' | 'disk'> & {
    readonly processor: string;
    readonly disk: string | undefined;
  };
  readonly disk: BlockDeviceState | undefined;
  readonly memory: PhysicalMemoryState;
  readonly clock: VirtualClockState;
  readonly cpus: readonly CpuState[];
  readonly kernel: KernelState;
}

/** An address that no page table can translate: the processor raises #GP, which tells no address. */
const GENERAL_PROTECTION: FaultSignal = { signo: SIGSEGV, code: SI_KERNEL, address: 0 };
