/**
 * The inner loop of a replay: the page runs of a block through a CPU's TLBs.
 *
 * A decoder remembers 64 pages for fetches and 64 for data (recording-format.md, "Heads"), and a head byte names one of
 * these and a kind. So the heads are handed to the CPU as they are, with the tag and the L1 entry of each such number:
 * it passes over all runs that hit. How many accesses a run has changes nothing for a TLB, as within a run only the first
 * can miss; therefore `counts` is not read at all (the block's head has the totals), and `gaps` only when somebody asks
 * for the time.
 */
import type { Cpu } from '../../hardware/cpu.ts';
import { FETCH, LOAD, NO_TAG, STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import { AddressMap } from './address-map.ts';
import type { Block } from './block.ts';
import { ByteReader } from './bytes.ts';
import { ESCAPE, ESCAPE_EVENT, RecordingError, RUN_FETCH, RUN_READ, RUN_WRITE, SLOTS, slotOf } from './format.ts';

/** What stands around the loop: the address map and the kernel. */
export interface PlayerHost {
  /** A recorded page that the map does not know: its simulated page after all, or -1. */
  unmapped(page: number): number;
  /**
   * A page fault at a simulated page. @param kind LOAD, STORE or FETCH @returns whether to try the access again; false
   * when it raised a signal, and the run is skipped
   */
  fault(page: number, kind: number, errorCode: number): boolean;
  /** A run on a page that has no simulated one: skipped. */
  stray(page: number, kind: number): void;
  /** An access that L1 may have missed has been made, at a simulated page. Only told to those who ask for it. */
  missed?(page: number): void;
}

const EMPTY = new Uint8Array(0);
const EVENT_HEAD = ESCAPE | (ESCAPE_EVENT << 2);
/** Access kinds by run kind. */
const ACCESS = [FETCH, LOAD, STORE] as const;

export class RunPlayer {
  /** The next record of the block. */
  at = 0;
  /** Where the recorded pages of the process that runs lie. After a change of it or of what it says: `retag`. */
  map = new AddressMap();
  /** The columns of events; the caller reads the event at which `run` stopped. */
  events = new ByteReader(EMPTY);

  readonly #host: PlayerHost;
  readonly #storeBit: number;
  #heads: Uint8Array = EMPTY;
  #newPages = new ByteReader(EMPTY);
  #gaps: Uint8Array = EMPTY;
  #events: Uint8Array = EMPTY;
  #instructions = 0;
  /** Recorded pages by slot, fetches in the first half and data in the second. */
  readonly #pages = new Float64Array(2 * SLOTS);
  /** By head byte: its simulated page, the tag by which the CPU knows it or the huge page around it, and its place in L1. */
  readonly #simulated = new Float64Array(256);
  readonly #tags = new Float64Array(256);
  readonly #places = new Int32Array(256);
  /** The last new page of fetches and of data. */
  readonly #lastNew = [0, 0];
  /** Where the reading of `gaps` stands: next byte, records passed, instructions of these. */
  #gapAt = 0;
  #gapRecords = 0;
  #gapSum = 0;
  #halted = false;
  readonly #tellsMisses: boolean;

  /**
   * @param storeBit of the CPUs that will play (Cpu.storeBit)
   * @param tellsMisses the host hears of accesses that L1 may have missed
   */
  constructor(host: PlayerHost, storeBit: number, tellsMisses = false) {
    this.#host = host;
    this.#tellsMisses = tellsMisses;
    this.#storeBit = storeBit;
    this.load({ heads: EMPTY, pages: EMPTY, gaps: EMPTY, events: EMPTY, instructions: 0 });
  }

  /** Starts a block. */
  load(block: Pick<Block, 'heads' | 'pages' | 'gaps' | 'events' | 'instructions'>): void {
    this.#heads = block.heads;
    this.#newPages = new ByteReader(block.pages);
    this.#gaps = block.gaps;
    this.#instructions = block.instructions;
    this.#events = block.events;
    this.events = new ByteReader(block.events);
    this.#pages.fill(-1);
    this.#tags.fill(NO_TAG);
    // Any place of the right kind will do: elsewhere a store would pass for a load.
    for (let head = 0; head < this.#places.length; head++) this.#places[head] = this.#firstPlace(head & 3);
    this.#lastNew.fill(0);
    this.at = 0;
    this.#gapAt = 0;
    this.#gapRecords = 0;
    this.#gapSum = 0;
    this.#halted = false;
  }

  /** Called by the host in a fault: `run` returns at the next record, and not one more of the block may be played. */
  halt(): void {
    this.#halted = true;
  }

  #firstPlace(kind: number): number {
    return kind === RUN_FETCH ? 2 * this.#storeBit : kind === RUN_WRITE ? this.#storeBit : 0;
  }

  get done(): boolean {
    return this.at >= this.#heads.length;
  }

  /** Whether the next record is an event of a type (EVENT). */
  nextIs(type: number): boolean {
    return this.#heads[this.at] === EVENT_HEAD && this.#events[this.events.at] === type;
  }

  /**
   * Plays runs until an event, the record `limit`, or the block's end. `at` is then the record that was not played.
   * @returns whether an event stopped it
   * @throws RecordingError when the columns contradict each other
   */
  run(cpu: Cpu, limit: number): boolean {
    const heads = this.#heads;
    const end = Math.min(limit, heads.length);
    for (;;) {
      this.at = cpu.hitRuns(heads, this.at, end, this.#tags, this.#places);
      if (this.at >= end) return false;
      if (!this.#miss(cpu, heads[this.at])) return true;
      this.at++;
      if (this.#halted) return false;
    }
  }

  /** A run that did not hit L1 where it was expected. Returns false for an event. */
  #miss(cpu: Cpu, head: number): boolean {
    const known = (head & 3) === ESCAPE ? this.#newPage(cpu, head >>> 2) : head;
    if (known < 0) return false;
    const kind = known & 3;
    if (this.#tags[known] === NO_TAG) this.#stray(known);
    else {
      const place = this.#access(cpu, vpn(this.#simulated[known]), kind);
      this.#places[known] = place;
      this.#tags[known] = cpu.tag;
      if (this.#tellsMisses) this.#host.missed?.(this.#simulated[known]);
      if (kind !== RUN_FETCH) {
        // Loads and stores of a page share an entry: the other kind need not look for it.
        const other = known ^ RUN_READ ^ RUN_WRITE;
        this.#places[other] = place ^ cpu.storeBit;
        this.#tags[other] = cpu.tag;
      }
    }
    return true;
  }

  /** Reads a new page and gives it its slot. Returns the head that names it, -1 for an event. */
  #newPage(cpu: Cpu, kind: number): number {
    if (kind === ESCAPE_EVENT) return -1;
    if (kind > ESCAPE_EVENT)
      throw new RecordingError(`a record of the block has the unknown head ${kind * 4 + ESCAPE}`);
    const group = kind === RUN_FETCH ? 0 : 1;
    const page = this.#lastNew[group] + this.#newPages.signed();
    if (page < 0) throw new RecordingError('a page number in the block is negative');
    this.#lastNew[group] = page;
    const slot = slotOf(page);
    this.#pages[slot + group * SLOTS] = page;
    this.#tag(cpu, slot + group * SLOTS);
    return (slot << 2) | kind;
  }

  /** Sets the tags of the heads that name a slot's page. */
  #tag(cpu: Cpu, slot: number): void {
    const recorded = this.#pages[slot];
    let page = this.map.translate(recorded);
    if (page < 0) page = this.#host.unmapped(recorded);
    const tag = page < 0 ? NO_TAG : page + cpu.context;
    if (slot < SLOTS) this.#name((slot << 2) | RUN_FETCH, page, tag);
    else {
      const head = (slot - SLOTS) << 2;
      this.#name(head | RUN_READ, page, tag);
      this.#name(head | RUN_WRITE, page, tag);
    }
  }

  #name(head: number, page: number, tag: number): void {
    this.#simulated[head] = page;
    this.#tags[head] = tag;
  }

  #stray(head: number): void {
    const kind = head & 3;
    const page = this.#pages[(head >>> 2) + (kind === RUN_FETCH ? 0 : SLOTS)];
    if (page < 0) throw new RecordingError('a record of the block names a page that it never told');
    this.#host.stray(page, ACCESS[kind]);
  }

  /** An access that L1 may not answer, with the faults it takes. Returns its place there. */
  #access(cpu: Cpu, page: ReturnType<typeof vpn>, kind: number): number {
    for (;;) {
      const place = kind === RUN_FETCH ? cpu.fetch(page) : kind === RUN_READ ? cpu.load(page) : cpu.store(page);
      if (place >= 0) return place;
      if (!this.#host.fault(page, ACCESS[kind], -place - 1)) return this.#firstPlace(kind);
    }
  }

  /** To be called when the address map changed, or another CPU or address space plays on. */
  retag(cpu: Cpu): void {
    for (let slot = 0; slot < 2 * SLOTS; slot++) if (this.#pages[slot] >= 0) this.#tag(cpu, slot);
  }

  /** Instructions of the block up to record `at`; all of them at its end. */
  instructions(): number {
    if (this.done) return this.#instructions;
    const gaps = this.#gaps;
    let at = this.#gapAt;
    let sum = this.#gapSum;
    // Nearly all gaps are one byte: these are added as small integers, several times faster than as fractions.
    let small = 0;
    for (let left = this.at + 1 - this.#gapRecords; left > 0; left--) {
      let byte = gaps[at++];
      if (byte < 0x80) {
        small += byte;
        continue;
      }
      let factor = 1;
      for (; byte >= 0x80; byte = gaps[at++]) {
        sum += (byte & 0x7f) * factor;
        factor *= 0x80;
      }
      sum += byte * factor;
    }
    sum += small;
    if (!(sum <= this.#instructions)) throw new RecordingError("the block's records do not add up to its instructions");
    this.#gapAt = at;
    this.#gapSum = sum;
    this.#gapRecords = Math.max(this.#gapRecords, this.at + 1);
    return sum;
  }

  /** Where it stands in its block. Tags and entries are found again. */
  save(): RunPlayerState {
    return {
      at: this.at,
      eventsAt: this.events.at,
      newPagesAt: this.#newPages.at,
      pages: this.#pages.slice(),
      lastNew: [this.#lastNew[0], this.#lastNew[1]],
    };
  }

  /** Goes on in the same block, which is loaded already. */
  restore(state: RunPlayerState, cpu: Cpu): void {
    this.at = state.at;
    this.events.at = state.eventsAt;
    this.#newPages.at = state.newPagesAt;
    this.#pages.set(state.pages);
    this.#lastNew[0] = state.lastNew[0];
    this.#lastNew[1] = state.lastNew[1];
    this.retag(cpu);
  }
}

export interface RunPlayerState {
  readonly at: number;
  readonly eventsAt: number;
  readonly newPagesAt: number;
  readonly pages: Float64Array;
  readonly lastNew: readonly [number, number];
}
