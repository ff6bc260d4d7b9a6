/**
 * A recording on a simulated machine: blocks in the file's order, runs through the CPUs, events through the kernel. It can
 * stop at any record, be saved with its machine, and go on from there to the same end.
 */
import type { Cpu } from '../../hardware/cpu.ts';
import { FETCHES, LOADS, STORES } from '../../hardware/tlb/counters.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
import { panic } from '../../kernel/panic.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Block } from './block.ts';
import { EVENT, readEvent, type SegmentEvent, type StartEvent } from './events.ts';
import { ProgramLauncher } from './program-launcher.ts';
import type { RecordingReader } from './reader.ts';
import { RecordedFiles } from './recorded-files.ts';
import { ReplayEvents, type ReplayEventsState } from './replay-events.ts';
import { ReplayMeter, type ReplayMeterState } from './replay-meter.ts';
import { ReplayStreams, type ReplayStreamsState } from './replay-streams.ts';
import type { ReplayedProcess } from './replayed-process.ts';
import { type PlayerHost, RunPlayer, type RunPlayerState } from './run-player.ts';
import { XorShift } from './xor-shift.ts';

export interface ReplayOptions {
  /** Begin with an empty page cache; else every file of the recording is cached. */
  readonly cold?: boolean;
  /** Files that are not cached at the beginning, by their recorded paths. */
  readonly coldFiles?: readonly string[];
  /** Bytes of memory that the programs may have together: the limit of a memory cgroup that they are in. */
  readonly limit?: number;
  /** Large anonymous memory comes from the pool of huge pages, as if the programs had been told to use it. */
  readonly pooled?: boolean;
  /** Page walks are counted by mapping too (`meter.walks`). */
  readonly walksByMapping?: boolean;
}

/** At least so often time passes and samples are taken; events and faults between see to it too. Most blocks are shorter. */
const STRETCH = 1 << 19;

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
  /** Runs on pages that the recording does not explain, and that were left out. */
  strays = 0;

  readonly #files: RecordedFiles;
  readonly #options: ReplayOptions;
  readonly #random: XorShift | undefined;
  readonly #player: RunPlayer;
  readonly #launcher: ProgramLauncher;
  readonly #streams: ReplayStreams;
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
    const { allocator } = machine.kernel;
    // The program itself needs memory too: a quarter of the machine's is left to it.
    const room = (): number => (options.cold ? 0 : Math.max(0, allocator.free - Math.ceil(allocator.managed / 4)));
    this.#files = new RecordedFiles(machine.kernel, reader.files, room, options.coldFiles);
    this.meter = new ReplayMeter(machine);
    const seed = machine.options.aslrSeed;
    this.#random = seed === undefined ? undefined : new XorShift(seed);
    this.events = new ReplayEvents(machine, this.#files, this.meter, options.pooled);
    const random = this.#random && (() => this.#random?.next() ?? 0);
    const { mismatches } = this.events;
    this.#launcher = new ProgramLauncher(machine.kernel, this.#files, this.meter, mismatches, random);
    this.#streams = new ReplayStreams(machine.kernel, reader, this.events, options.limit);
    this.#player = new RunPlayer(this, (machine.cpus[0] as Cpu).storeBit, options.walksByMapping);
    this.#cpu = machine.cpus[0] as Cpu;
  }

  /** By stream. */
  get processes(): ReadonlyMap<number, ReplayedProcess> {
    return this.#streams.processes;
  }

  /** Nothing is left, or what follows is damaged (the reader says how). */
  get done(): boolean {
    return this.#block === undefined;
  }

  /**
   * Plays `records` records, or fewer when the recording ends.
   * @throws RecordingError for a block that contradicts itself, KernelPanic when nobody is left to be killed
   */
  advance(records: number): void {
    for (let left = records; left > 0 && this.#block !== undefined; ) {
      const player = this.#player;
      const from = player.at;
      if (this.#starting !== undefined && !player.nextIs(EVENT.segment)) this.#begin();
      const stretchEnd = from - (from % STRETCH) + STRETCH;
      const stopped = player.run(this.#cpu, Math.min(from + left, stretchEnd));
      left -= player.at - from;
      if (this.#process?.killed) {
        this.#abandon();
        continue;
      }
      // Never at the caller's stop: sums of fractions would depend on it.
      if (!stopped && player.at < stretchEnd && !player.done) continue;
      this.#passTime();
      this.machine.clock.settle();
      if (stopped) {
        this.#playEvent();
        left--;
      }
      if (this.#process?.killed) this.#abandon();
      else if (player.done) this.#closeBlock();
      this.meter.sample();
    }
  }

  /** What the kernel did to keep the programs within their limit; undefined without one. */
  get group(): MemCgroup | undefined {
    return this.#streams.group;
  }

  /** Plays all that is left. */
  finish(): void {
    while (!this.done) this.advance(Number.MAX_SAFE_INTEGER);
    this.#streams.mourn();
    this.meter.sample(true);
  }

  /** PlayerHost: a page that the recording's map does not explain. */
  unmapped(page: number): number {
    return this.#process === undefined ? -1 : this.#streams.adopt(this.#process, page);
  }

  /** PlayerHost: a page fault of the running thread. */
  fault(page: number, _kind: number, errorCode: number): boolean {
    const { task } = this.#process ?? panic('replay: no process runs');
    this.#passTime();
    const signal = this.meter.book(task, page, () =>
      this.machine.kernel.faults.fault(task, page * PAGE_SIZE, errorCode),
    );
    this.meter.sample();
    if (signal === undefined) {
      if (this.#options.walksByMapping) this.meter.walks.fault(task.mm, page);
      return true;
    }
    if (task.process.ending === undefined) this.meter.invalid++;
    else this.#player.halt();
    return false;
  }

  /** PlayerHost: an access that L1 may have missed has been made. */
  missed(page: number): void {
    const mm = this.#process?.task.mm;
    if (mm !== undefined) this.meter.walks.count(mm, page, this.#cpu);
  }

  /** PlayerHost. */
  stray(): void {
    this.strays++;
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
      if (process.process.ending === undefined) this.#run(process);
    }
  }

  #begin(): void {
    const process = this.#process ?? panic('replay: no process runs');
    if (this.#starting !== undefined) this.#launcher.launch(process, this.#starting.start, this.#starting.segments);
    this.#starting = undefined;
    if (process.process.ending === undefined) this.#run(process);
  }

  /** The kernel killed the process that runs: the rest of its block never happens. */
  #abandon(): void {
    this.#passTime();
    this.totals.records += this.#player.at;
    this.totals.instructions += this.#executed;
    this.#starting = undefined;
    this.#blockNumber++;
    this.#openBlock();
  }

  /** The process's thread runs on its CPU, with the map as it is now. */
  #run(process: ReplayedProcess): void {
    this.events.schedule(process);
    this.#cpu = this.machine.cpus[this.machine.kernel.tlb.current] as Cpu;
    this.#player.map = process.map;
    this.#player.retag(this.#cpu);
  }

  #passTime(): void {
    const executed = this.#player.instructions();
    this.meter.execute(this.#cpu, executed - this.#executed);
    this.#executed = executed;
  }

  /** Opens the next block of a process that lives. */
  #openBlock(): void {
    for (;;) {
      const [block] = this.reader.blocks(this.#blockNumber);
      this.#block = block;
      if (block === undefined) return;
      const process = this.#streams.living(block.stream);
      if (process !== undefined) {
        this.#player.load(block);
        this.#executed = 0;
        this.#process = process;
        this.#run(process);
        return;
      }
      this.#blockNumber++;
    }
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
      streams: this.#streams.save(),
    };
  }

  /** Goes on where `save` was called. @param machine restored from the same moment */
  static restore(machine: Machine, reader: RecordingReader, state: ReplayState): Replay {
    const replay = new Replay(machine, reader, state.options);
    replay.#resume(state);
    return replay;
  }

  #resume(state: ReplayState): void {
    this.#streams.restore(state.streams);
    this.events.restore(state.events);
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
    if (this.#process !== undefined) this.#player.map = this.#process.map;
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
  readonly streams: ReplayStreamsState;
}
