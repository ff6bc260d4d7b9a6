/**
 * The inner loop of a replay: the page runs of a block through a CPU's TLBs.
 *
 * A decoder remembers 64 pages for fetches and 64 for data (recording-format.md, "Heads"). Beside each this loop keeps
 * the tag that the page has on the CPU and the L1 entry where it was last found, so a hit is two loads, a comparison and
 * the store of a stamp. How many accesses a run has changes nothing for the TLB: within a run only the first can miss.
 * So `counts` is not read at all (the block's head has the totals), and `gaps` only when somebody asks for the time.
 */
import type { Cpu } from '../../hardware/cpu.ts';
import { FETCH, LOAD, STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import type { Block } from './block.ts';
import { ByteReader } from './bytes.ts';
import { ESCAPE, ESCAPE_EVENT, RecordingError, RUN_FETCH, RUN_READ, RUN_WRITE, SLOTS, slotOf } from './format.ts';

/** What stands around the loop: the address map and the kernel. */
export interface PlayerHost {
  /** The simulated page of a recorded page, or -1 when the recording has no mapping there. */
  translate(page: number): number;
  /**
   * A page fault at a simulated page. @param kind LOAD, STORE or FETCH @returns whether to try the access again; false
   * when it raised a signal, and the run is skipped
   */
  fault(page: number, kind: number, errorCode: number): boolean;
  /** A run on a page that `translate` does not know: skipped. */
  stray(page: number, kind: number): void;
}

/** A tag that no entry has: TLBs mark empty entries with -1. */
const NO_TAG = -2;
const EMPTY = new Uint8Array(0);
/** Access kinds by run kind. */
const ACCESS = [FETCH, LOAD, STORE] as const;

export class RunPlayer {
  /** The next record of the block. */
  at = 0;
  /** The columns of events; the caller reads the event at which `run` stopped. */
  events = new ByteReader(EMPTY);

  readonly #host: PlayerHost;
  #heads: Uint8Array = EMPTY;
  #newPages = new ByteReader(EMPTY);
  #gaps: Uint8Array = EMPTY;
  #instructions = 0;
  /** By slot, fetches in the first half and data in the second: the recorded page, its tag, and its entry in L1. */
  readonly #pages = new Float64Array(2 * SLOTS);
  readonly #tags = new Float64Array(2 * SLOTS);
  readonly #ways = new Int32Array(2 * SLOTS);
  /** The last new page of fetches and of data. */
  readonly #lastNew = [0, 0];
  /** Where the reading of `gaps` stands: next byte, records passed, instructions of these. */
  #gapAt = 0;
  #gapRecords = 0;
  #gapSum = 0;

  constructor(host: PlayerHost) {
    this.#host = host;
    this.load({ heads: EMPTY, pages: EMPTY, gaps: EMPTY, events: EMPTY, instructions: 0 });
  }

  /** Starts a block. */
  load(block: Pick<Block, 'heads' | 'pages' | 'gaps' | 'events' | 'instructions'>): void {
    this.#heads = block.heads;
    this.#newPages = new ByteReader(block.pages);
    this.#gaps = block.gaps;
    this.#instructions = block.instructions;
    this.events = new ByteReader(block.events);
    this.#pages.fill(-1);
    this.#tags.fill(NO_TAG);
    this.#ways.fill(0);
    this.#lastNew.fill(0);
    this.at = 0;
    this.#gapAt = 0;
    this.#gapRecords = 0;
    this.#gapSum = 0;
  }

  get done(): boolean {
    return this.at >= this.#heads.length;
  }

  /**
   * Plays runs until an event, the record `limit`, or the block's end. `at` is then the record that was not played.
   * @returns whether an event stopped it
   * @throws RecordingError when the columns contradict each other
   */
  run(cpu: Cpu, limit: number): boolean {
    const heads = this.#heads;
    const end = Math.min(limit, heads.length);
    const slotTags = this.#tags;
    const slotWays = this.#ways;
    const { tags: dataTags, storeTags, stamps: dataStamps } = cpu.dtlb;
    const { tags: fetchTags, stamps: fetchStamps } = cpu.itlb;
    let now = cpu.now;
    let at = this.at;
    for (; at < end; at++) {
      const head = heads[at];
      const slot = head >>> 2;
      switch (head & 3) {
        case RUN_FETCH: {
          const way = slotWays[slot];
          if (fetchTags[way] === slotTags[slot]) {
            fetchStamps[way] = ++now;
            continue;
          }
          break;
        }
        case RUN_READ: {
          const way = slotWays[slot + SLOTS];
          if (dataTags[way] === slotTags[slot + SLOTS]) {
            dataStamps[way] = ++now;
            continue;
          }
          break;
        }
        case RUN_WRITE: {
          const way = slotWays[slot + SLOTS];
          if (storeTags[way] === slotTags[slot + SLOTS]) {
            dataStamps[way] = ++now;
            continue;
          }
          break;
        }
        default:
      }
      cpu.now = now;
      this.at = at;
      if (!this.#miss(cpu, head)) return true;
      now = cpu.now;
    }
    cpu.now = now;
    this.at = at;
    return false;
  }

  /** A run that the loop could not play alone. Returns false for an event. */
  #miss(cpu: Cpu, head: number): boolean {
    let kind = head & 3;
    let slot = (head >>> 2) + (kind === RUN_FETCH ? 0 : SLOTS);
    if (kind === ESCAPE) {
      kind = head >>> 2;
      if (kind === ESCAPE_EVENT) return false;
      if (kind > ESCAPE_EVENT) throw new RecordingError(`a record of the block has the unknown head ${head}`);
      slot = this.#newPage(cpu, kind === RUN_FETCH ? 0 : 1);
    }
    const tag = this.#tags[slot];
    if (tag === NO_TAG) this.#stray(slot, kind);
    else this.#ways[slot] = this.#access(cpu, vpn(tag - cpu.context), kind);
    return true;
  }

  /** Reads a new page and gives it its slot. */
  #newPage(cpu: Cpu, group: 0 | 1): number {
    const page = this.#lastNew[group] + this.#newPages.signed();
    if (page < 0) throw new RecordingError('a page number in the block is negative');
    this.#lastNew[group] = page;
    const slot = slotOf(page) + group * SLOTS;
    this.#pages[slot] = page;
    this.#ways[slot] = 0;
    this.#tag(cpu, slot);
    return slot;
  }

  #tag(cpu: Cpu, slot: number): void {
    const page = this.#host.translate(this.#pages[slot]);
    this.#tags[slot] = page < 0 ? NO_TAG : page + cpu.context;
  }

  #stray(slot: number, kind: number): void {
    const page = this.#pages[slot];
    if (page < 0) throw new RecordingError('a record of the block names a page that it never told');
    this.#host.stray(page, ACCESS[kind]);
  }

  /** An access that L1 may not answer, with the faults it takes. Returns its entry there. */
  #access(cpu: Cpu, page: ReturnType<typeof vpn>, kind: number): number {
    for (;;) {
      const way = kind === RUN_FETCH ? cpu.fetch(page, 1) : kind === RUN_READ ? cpu.load(page, 1) : cpu.store(page, 1);
      if (way >= 0) return way;
      if (!this.#host.fault(page, ACCESS[kind], -way - 1)) return 0;
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
    for (let left = this.at + 1 - this.#gapRecords; left > 0; left--) {
      let byte = gaps[at++];
      let factor = 1;
      for (; byte >= 0x80; byte = gaps[at++]) {
        sum += (byte & 0x7f) * factor;
        factor *= 0x80;
      }
      sum += byte * factor;
    }
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
