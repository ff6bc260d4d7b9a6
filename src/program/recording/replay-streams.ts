import { PAGE_SIZE } from '../../hardware/units.ts';
import { mmapBase } from '../../kernel/address-space/layout.ts';
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
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
import { type ReplayEvents, rowOf } from './replay-events.ts';
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
/** The memory cgroup of a replay with a limit. */
const GROUP = 'replay';

/** The streams of a recording and the simulated processes that they drive. */
export class ReplayStreams {
  readonly processes = new Map<number, ReplayedProcess>();
  readonly #kernel: Kernel;
  readonly #reader: RecordingReader;
  readonly #events: ReplayEvents;
  readonly #limit: number | undefined;
  /** Recorded processes that the kernel killed: what follows in their streams never happens. */
  readonly #killed = new Set<number>();

  /** @param limit bytes of memory for all programs together: the limit of a memory cgroup that they are in */
  constructor(kernel: Kernel, reader: RecordingReader, events: ReplayEvents, limit: number | undefined) {
    this.#kernel = kernel;
    this.#reader = reader;
    this.#events = events;
    this.#limit = limit;
  }

  #pidOf(stream: number): number {
    return this.#reader.processes.find((facts) => facts.stream === stream)?.pid ?? -1;
  }

  /** The process that plays a stream on; undefined when the kernel killed it. */
  living(stream: number): ReplayedProcess | undefined {
    if (this.#killed.has(this.#pidOf(stream))) return undefined;
    const process = this.#process(stream);
    if (!process.killed) return process;
    this.mourn();
    return undefined;
  }

  /** Notes down whom the kernel has killed since the last time. */
  mourn(): void {
    for (const { killed, pid, process } of [...this.processes.values(), ...this.#events.forked]) {
      if (!killed || this.#killed.has(pid)) continue;
      this.#killed.add(pid);
      this.#events.ended.push(rowOf(process));
    }
  }

  /** The process of a stream. One that begins is a child that was forked, or a program that somebody starts. */
  #process(stream: number): ReplayedProcess {
    const known = this.processes.get(stream);
    if (known !== undefined) return known;
    const pid = this.#pidOf(stream);
    const at = this.#events.forked.findIndex((child) => child.pid === pid);
    const process =
      at < 0 ? new ReplayedProcess(pid, this.#spawn()) : (this.#events.forked.splice(at, 1)[0] as ReplayedProcess);
    this.processes.set(stream, process);
    return process;
  }

  /** A program that somebody starts has the limits that it was recorded with. */
  #spawn(): Task {
    const limits = defaultRlimits();
    const recorded = this.#reader.header.environment?.limits;
    if (recorded !== undefined)
      for (const [name, limit] of LIMITS) limits.soft[limit] = recorded[name] ?? RLIM_INFINITY;
    const task = this.#kernel.processes.spawn('faultline', mmapBase(limits.soft[RLIMIT_STACK] as number), limits);
    task.mm.memcg = this.group?.id ?? 0;
    return task;
  }

  /** The memory cgroup of all programs; undefined without a limit. */
  get group(): MemCgroup | undefined {
    if (this.#limit === undefined) return undefined;
    const { cgroups } = this.#kernel;
    const known = cgroups.all.find(({ name }) => name === GROUP);
    if (known !== undefined) return known;
    const group = cgroups.create(GROUP) ?? panic('replay: no place for a cgroup');
    group.memory.max = Math.floor(this.#limit / PAGE_SIZE);
    return group;
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
    this.mourn();
    const living = [...this.processes].filter(([, { process }]) => process.ending === undefined);
    return {
      processes: living.map(([stream, process]) => [stream, process.save()]),
      forked: this.#events.forked.filter(({ killed }) => !killed).map((process) => process.save()),
      killed: [...this.#killed],
    };
  }

  /** Finds the processes again on a restored machine. */
  restore(state: ReplayStreamsState): void {
    const { all } = this.#kernel.processes;
    const restored = (saved: ReplayedProcessState): ReplayedProcess =>
      ReplayedProcess.restore(saved, all.get(saved.process) ?? panic(`replay: process ${saved.process} is not there`));
    for (const [stream, saved] of state.processes) this.processes.set(stream, restored(saved));
    this.#events.forked.push(...state.forked.map(restored));
    for (const pid of state.killed) this.#killed.add(pid);
  }
}

export interface ReplayStreamsState {
  readonly processes: readonly (readonly [number, ReplayedProcessState])[];
  readonly forked: readonly ReplayedProcessState[];
  readonly killed: readonly number[];
}
