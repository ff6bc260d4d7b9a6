import { PAGE_SIZE } from '../../hardware/units.ts';
import { mmapBase } from '../../kernel/address-space/layout.ts';
import { isError } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { panic } from '../../kernel/panic.ts';
import { defaultRlimits, type Task } from '../../kernel/process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_DATA,
  RLIMIT_MEMLOCK,
  RLIMIT_STACK,
} from '../../kernel/uapi.ts';
import type { RecordingReader } from './reader.ts';
import { ReplayedProcess, type ReplayedProcessState } from './replayed-process.ts';

/** The limits that concern memory, by their names in a recording; one that is not there is none. */
const LIMITS = [
  ['stack', RLIMIT_STACK],
  ['data', RLIMIT_DATA],
  ['as', RLIMIT_AS],
  ['memlock', RLIMIT_MEMLOCK],
] as const;
/** Pages that a recording without a map gets at once where it first touches. */
const ADOPTED_PAGES = 64;

/** The streams of a recording and the simulated processes that they drive. */
export class ReplayStreams {
  readonly processes = new Map<number, ReplayedProcess>();
  readonly #kernel: Kernel;
  readonly #reader: RecordingReader;
  /** Children that a parent forked and whose stream has not begun. */
  readonly #forked: ReplayedProcess[];

  constructor(kernel: Kernel, reader: RecordingReader, forked: ReplayedProcess[]) {
    this.#kernel = kernel;
    this.#reader = reader;
    this.#forked = forked;
  }

  /** The process of a stream. One that begins is a child that was forked, or a program that somebody starts. */
  process(stream: number): ReplayedProcess {
    const known = this.processes.get(stream);
    if (known !== undefined) return known;
    const pid = this.#reader.processes.find((facts) => facts.stream === stream)?.pid ?? -1;
    const at = this.#forked.findIndex((child) => child.pid === pid);
    const process =
      at < 0 ? new ReplayedProcess(pid, this.#spawn()) : (this.#forked.splice(at, 1)[0] as ReplayedProcess);
    this.processes.set(stream, process);
    return process;
  }

  /** A program that somebody starts has the limits that it was recorded with. */
  #spawn(): Task {
    const limits = defaultRlimits();
    const recorded = this.#reader.header.environment?.limits;
    if (recorded !== undefined)
      for (const [name, limit] of LIMITS) limits.soft[limit] = recorded[name] ?? RLIM_INFINITY;
    return this.#kernel.processes.spawn('faultline', mmapBase(limits.soft[RLIMIT_STACK] as number), limits);
  }

  /**
   * The simulated page of a page that the map does not know, or -1. A recording of accesses alone has no map: memory appears
   * where it is first touched, at its own address.
   */
  adopt({ task, map }: ReplayedProcess, page: number): number {
    if (this.#reader.header.source !== 'lackey') return -1;
    const start = page - (page % ADOPTED_PAGES);
    const flags = MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_PRIVATE;
    const prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    const bytes = ADOPTED_PAGES * PAGE_SIZE;
    if (isError(this.#kernel.addressSpaces.mmap(task, start * PAGE_SIZE, bytes, prot, flags, undefined, 0))) return -1;
    map.map(start, ADOPTED_PAGES, start);
    return page;
  }

  /** Living processes; nothing more will be played for the others. */
  save(): ReplayStreamsState {
    const living = [...this.processes].filter(([, { process }]) => process.ending === undefined);
    return {
      processes: living.map(([stream, process]) => [stream, process.save()]),
      forked: this.#forked.map((process) => process.save()),
    };
  }

  /** Finds the processes again on a restored machine. */
  restore(state: ReplayStreamsState): void {
    const { all } = this.#kernel.processes;
    const restored = (saved: ReplayedProcessState): ReplayedProcess =>
      ReplayedProcess.restore(saved, all.get(saved.process) ?? panic(`replay: process ${saved.process} is not there`));
    for (const [stream, saved] of state.processes) this.processes.set(stream, restored(saved));
    this.#forked.push(...state.forked.map(restored));
  }
}

export interface ReplayStreamsState {
  readonly processes: readonly (readonly [number, ReplayedProcessState])[];
  readonly forked: readonly ReplayedProcessState[];
}
