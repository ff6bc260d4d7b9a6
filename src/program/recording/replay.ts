/**
 * A recording on a simulated machine: blocks in the file's order, runs through the CPUs, events through the kernel. It can
 * stop at any record, be saved with its machine, and go on from there to the same end.
 */
import type { Cpu } from '../../hardware/cpu.ts';
import { FETCHES, LOADS, STORES } from '../../hardware/tlb/counters.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import { mmapBase } from '../../kernel/address-space/layout.ts';
import { panic } from '../../kernel/panic.ts';
import { defaultRlimits } from '../../kernel/process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_STACK,
} from '../../kernel/uapi.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Block } from './block.ts';
import { EVENT, readEvent, type SegmentEvent, type StartEvent } from './events.ts';
import type { RecordingReader } from './reader.ts';
import { RecordedFiles } from './recorded-files.ts';
import { ReplayEvents, type ReplayEventsState } from './replay-events.ts';
import { ReplayMeter, type ReplayMeterState } from './replay-meter.ts';
import { ReplayedProcess, type ReplayedProcessState } from './replayed-process.ts';
import { type PlayerHost, RunPlayer, type RunPlayerState } from './run-player.ts';
import { XorShift } from './xor-shift.ts';

export interface ReplayOptions {
  /** Begin with an empty page cache; else every file of the recording is cached. */
  readonly cold?: boolean;
}

/** Records between two looks at the clock and the sampler. */
const STRETCH = 1 << 14;
/** Pages that a recording without a map gets at once where it first touches. */
const ADOPTED_PAGES = 64;

export interface ReplayTotals {
  records: number;
  instructions: number;
  loads: number;
  stores: number;
}

export class Replay implements PlayerHost {
  readonly machine: Machine;
  readonly reader: RecordingReader;
  readonly meter: ReplayMeter;
  readonly events: ReplayEvents;
  /** Of whole blocks. */
  readonly totals: ReplayTotals = { records: 0, instructions: 0, loads: 0, stores: 0 };
  /** By stream. */
  readonly processes = new Map<number, ReplayedProcess>();
  /** Runs on pages that the recording does not explain, and that were left out. */
  strays = 0;

  readonly #files: RecordedFiles;
  readonly #options: ReplayOptions;
  readonly #random: XorShift | undefined;
  readonly #player: RunPlayer;
  #blockNumber = 0;
  #block: Block | undefined;
  #process: ReplayedProcess | undefined;
  #cpu: Cpu;
  /** Instructions of the block whose time has passed. */
  #executed = 0;
  /** A program whose segments are still being read. */
  #starting: { readonly start: StartEvent; readonly segments: SegmentEvent[] } | undefined;

  /** A replay from the beginning, on a machine that has just booted. */
  static start(machine: Machine, reader: RecordingReader, options: ReplayOptions = {}): Replay {
    const replay = new Replay(machine, reader, options);
    replay.#openBlock();
    return replay;
  }

  private constructor(machine: Machine, reader: RecordingReader, options: ReplayOptions) {
    this.machine = machine;
    this.reader = reader;
    this.#options = options;
    const { allocator, files } = machine.kernel;
    // The program itself needs memory too: a quarter of the machine's is left to it.
    const room = (): number => (options.cold ? 0 : Math.max(0, allocator.free - Math.ceil(allocator.managed / 4)));
    this.#files = new RecordedFiles(files, reader.files, room);
    this.meter = new ReplayMeter(machine);
    const seed = machine.options.aslrSeed;
    this.#random = seed === undefined ? undefined : new XorShift(seed);
    this.events = new ReplayEvents(machine, this.#files, this.meter, this.#random && (() => this.#next()));
    this.#player = new RunPlayer(this);
    this.#cpu = machine.cpus[0] as Cpu;
  }

  /** Nothing is left, or what follows is damaged (the reader says how). */
  get done(): boolean {
    return this.#block === undefined;
  }

  /**
   * Plays `records` records, or fewer when the recording ends.
   * @throws RecordingError for a block that contradicts itself, OutOfMemory when the machine is too small
   */
  advance(records: number): void {
    for (let left = records; left > 0 && this.#block !== undefined; ) {
      const player = this.#player;
      const from = player.at;
      if (this.#starting !== undefined && !player.nextIs(EVENT.segment)) this.#begin();
      const stretchEnd = from - (from % STRETCH) + STRETCH;
      const stopped = player.run(this.#cpu, Math.min(from + left, stretchEnd));
      left -= player.at - from;
      // Never at the caller's stop: sums of fractions would depend on it.
      if (!stopped && player.at < stretchEnd && !player.done) continue;
      this.#passTime();
      if (stopped) {
        this.#playEvent();
        left--;
      }
      if (player.done) this.#closeBlock();
      this.meter.sample();
    }
  }

  /** Plays all that is left. */
  finish(): void {
    while (!this.done) this.advance(Number.MAX_SAFE_INTEGER);
    this.meter.sample(true);
  }

  /** PlayerHost: the simulated page of a recorded one. */
  translate(page: number): number {
    const found = this.#process?.map.translate(page) ?? -1;
    return found < 0 && this.reader.header.source === 'lackey' ? this.#adopt(page) : found;
  }

  /** PlayerHost: a page fault of the running thread. */
  fault(page: number, _kind: number, errorCode: number): boolean {
    const { task } = this.#process ?? panic('replay: no process runs');
    this.#passTime();
    const signal = this.meter.book(task, page, () =>
      this.machine.kernel.faults.fault(task, page * PAGE_SIZE, errorCode),
    );
    if (signal === undefined) return true;
    this.meter.invalid++;
    return false;
  }

  /** PlayerHost. */
  stray(): void {
    this.strays++;
  }

  /** A recording of accesses alone has no map: memory appears where it is first touched, at its own address. */
  #adopt(page: number): number {
    const { map, task } = this.#process ?? panic('replay: no process runs');
    const start = page - (page % ADOPTED_PAGES);
    const fixed = MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_PRIVATE;
    const all = PROT_READ | PROT_WRITE | PROT_EXEC;
    const bytes = ADOPTED_PAGES * PAGE_SIZE;
    if (this.machine.kernel.addressSpaces.mmap(task, start * PAGE_SIZE, bytes, all, fixed, undefined, 0) < 0) return -1;
    map.map(start, ADOPTED_PAGES, start);
    return page;
  }

  #playEvent(): void {
    const player = this.#player;
    const process = this.#process ?? panic('replay: no process runs');
    const event = readEvent(player.events);
    player.at++;
    if (event.type === 'start') this.#starting = { start: event, segments: [] };
    else if (event.type === 'segment') this.#starting?.segments.push(event);
    else {
      this.events.apply(process, event);
      if (event.type !== 'end') this.#run(process);
    }
  }

  #begin(): void {
    const process = this.#process ?? panic('replay: no process runs');
    if (this.#starting !== undefined) this.events.begin(process, this.#starting.start, this.#starting.segments);
    this.#starting = undefined;
    this.#run(process);
  }

  /** The process's thread runs on its CPU, with the map as it is now. */
  #run(process: ReplayedProcess): void {
    this.events.schedule(process);
    this.#cpu = this.machine.cpus[this.machine.kernel.tlb.current] as Cpu;
    this.#player.retag(this.#cpu);
  }

  #passTime(): void {
    const executed = this.#player.instructions();
    this.meter.execute(this.#cpu, executed - this.#executed);
    this.#executed = executed;
  }

  #openBlock(): void {
    const [block] = this.reader.blocks(this.#blockNumber);
    this.#block = block;
    if (block === undefined) return;
    this.#player.load(block);
    this.#executed = 0;
    this.#process = this.processes.get(block.stream) ?? this.#newProcess(block.stream);
    this.#run(this.#process);
  }

  #closeBlock(): void {
    const block = this.#block ?? panic('replay: no block is open');
    const { values } = this.#cpu.counters;
    values[FETCHES] += block.instructions;
    values[LOADS] += block.loads;
    values[STORES] += block.stores;
    this.totals.records += block.records;
    this.totals.instructions += block.instructions;
    this.totals.loads += block.loads;
    this.totals.stores += block.stores;
    this.#blockNumber++;
    this.#openBlock();
  }

  /** The process of a stream that begins: a child that was forked, or a program that somebody starts. */
  #newProcess(stream: number): ReplayedProcess {
    const pid = this.reader.processes.find((facts) => facts.stream === stream)?.pid ?? -1;
    const { forked } = this.events;
    const at = forked.findIndex((child) => child.pid === pid);
    const process = at < 0 ? new ReplayedProcess(pid, this.#spawn()) : (forked.splice(at, 1)[0] as ReplayedProcess);
    this.processes.set(stream, process);
    return process;
  }

  #spawn(): ReplayedProcess['task'] {
    const limits = defaultRlimits();
    return this.machine.kernel.processes.spawn('faultline', mmapBase(limits.soft[RLIMIT_STACK] as number), limits);
  }

  #next(): number {
    return this.#random?.next() ?? 0;
  }

  /** Plain data; the machine is saved beside it. */
  save(): ReplayState {
    return {
      options: this.#options,
      blockNumber: this.#blockNumber,
      executed: this.#executed,
      player: this.#player.save(),
      starting: structuredClone(this.#starting),
      totals: { ...this.totals },
      strays: this.strays,
      random: this.#random?.state,
      meter: this.meter.save(),
      files: this.#files.save(),
      events: this.events.save(),
      processes: [...this.processes].flatMap(([stream, process]) =>
        process.process.ending === undefined ? [[stream, process.save()] as [number, ReplayedProcessState]] : [],
      ),
      forked: this.events.forked.map((process) => process.save()),
    };
  }

  /** Goes on where `save` was called. @param machine restored from the same moment */
  static restore(machine: Machine, reader: RecordingReader, state: ReplayState): Replay {
    const replay = new Replay(machine, reader, state.options);
    replay.#resume(state);
    return replay;
  }

  #resume(state: ReplayState): void {
    const living = this.machine.kernel.processes.all;
    const restored = (saved: ReplayedProcessState): ReplayedProcess =>
      ReplayedProcess.restore(
        saved,
        living.get(saved.process) ?? panic(`replay: process ${saved.process} is not there`),
      );
    for (const [stream, saved] of state.processes) this.processes.set(stream, restored(saved));
    this.events.restore(state.events, state.forked.map(restored));
    this.meter.restore(state.meter);
    this.#files.restore(state.files);
    Object.assign(this.totals, state.totals);
    this.strays = state.strays;
    this.#starting = structuredClone(state.starting);
    if (this.#random !== undefined && state.random !== undefined) this.#random.state = state.random;
    this.#blockNumber = state.blockNumber;
    const [block] = this.reader.blocks(state.blockNumber);
    this.#block = block;
    if (block === undefined) return;
    this.#player.load(block);
    this.#process = this.processes.get(block.stream);
    this.#cpu = this.machine.cpus[this.machine.kernel.tlb.current] as Cpu;
    this.#player.restore(state.player, this.#cpu);
    this.#executed = state.executed;
  }
}

export interface ReplayState {
  readonly options: ReplayOptions;
  readonly blockNumber: number;
  readonly executed: number;
  readonly player: RunPlayerState;
  readonly starting: { readonly start: StartEvent; readonly segments: SegmentEvent[] } | undefined;
  readonly totals: ReplayTotals;
  readonly strays: number;
  readonly random: number | undefined;
  readonly meter: ReplayMeterState;
  readonly files: [string, number][];
  readonly events: ReplayEventsState;
  readonly processes: [number, ReplayedProcessState][];
  readonly forked: ReplayedProcessState[];
}
