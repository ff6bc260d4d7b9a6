import { keyOf, PAGE_SIZE_NAMES, pcidOf, sizeOf } from './translation.ts';

/** How many entries a cache has and how they are arranged. */
export interface CacheGeometry {
  readonly entries: number;
  /** Entries in one set; equal to `entries` when it is fully associative. */
  readonly ways: number;
  /** How a page number chooses its set: its low bits, or those folded by exclusive or with the next ones. */
  readonly index?: 'low' | 'xor';
}

/** Arrays of `entries` numbers each. */
export interface SharedColumns {
  readonly tags: Float64Array;
  readonly storeTags: Float64Array;
  readonly stamps: Float64Array;
}

const ownColumns = (entries: number): SharedColumns => ({
  tags: new Float64Array(entries),
  storeTags: new Float64Array(entries),
  stamps: new Float64Array(entries),
});

const NONE = -1;
/** Victims found by one search of a fully associative cache. */
const QUEUE = 8;

/**
 * A small memory of translations with true LRU replacement: TLBs and page-walk caches are made of it.
 *
 * The columns are public because the CPU and the replay's inner loop test hits themselves: `tags[way] === tag` for a
 * load or a fetch, `storeTags[way] === tag` for a store, then `stamps[way] = ++now`. Whatever else changes an entry
 * goes through the methods. Lookups go through a hash of the tag, so a hit in 64 fully associative entries costs as much as one
 * in 4 ways, and so does the knowledge that there is none.
 */
export class TranslationCache {
  readonly entries: number;
  readonly ways: number;
  /** The tag of each entry, -1 when it is empty. */
  readonly tags: Float64Array;
  /** The tag again where a store may pass without a walk (writable, dirty, key permits), else -1. */
  readonly storeTags: Float64Array;
  /** When each entry was last used, by the CPU's count of uses; 0 when empty. */
  readonly stamps: Float64Array;
  /** The first frame of the page, or for a page-walk cache the table. */
  readonly frames: Int32Array;
  /** FLAG_* of translation.ts. */
  readonly flags: Int32Array;
  /** Entries in use, by page size. */
  readonly live = new Int32Array(PAGE_SIZE_NAMES.length);

  readonly #setMask: number;
  readonly #foldShift: number;
  readonly #foldMask: number;
  readonly #heads: Int16Array;
  readonly #links: Int16Array;
  readonly #hashShift: number;
  readonly #queueWays = new Int32Array(QUEUE);
  readonly #queueStamps = new Float64Array(QUEUE);
  #queueNext = 0;
  #queueEnd = 0;

  /**
   * @param columns where to keep tags and stamps, when others are to read them as parts of longer arrays
   *
   * Throws RangeError unless the entries fill a power of two of sets.
   */
  constructor(geometry: CacheGeometry, columns: SharedColumns = ownColumns(geometry.entries)) {
    const { entries, ways } = geometry;
    const sets = entries / ways;
    if (!Number.isInteger(entries) || entries < 1 || entries > 2 ** 14 || !Number.isInteger(Math.log2(sets)))
      throw new RangeError(`TranslationCache: ${entries} entries in ${ways} ways do not make a power of two of sets`);
    this.entries = entries;
    this.ways = ways;
    this.tags = columns.tags.fill(NONE);
    this.storeTags = columns.storeTags.fill(NONE);
    this.stamps = columns.stamps;
    this.frames = new Int32Array(entries);
    this.flags = new Int32Array(entries);
    this.#setMask = sets - 1;
    this.#foldShift = Math.log2(sets);
    this.#foldMask = geometry.index === 'xor' ? sets - 1 : 0;
    const hashBits = Math.ceil(Math.log2(entries)) + 2;
    this.#hashShift = 32 - hashBits;
    this.#heads = new Int16Array(2 ** hashBits).fill(NONE);
    this.#links = new Int16Array(entries).fill(NONE);
  }

  /** The entry with this tag, or -1. Does not count as a use. */
  find(tag: number): number {
    let way = this.#heads[Math.imul(tag | 0, 0x9e3779b1) >>> this.#hashShift];
    while (way >= 0 && this.tags[way] !== tag) way = this.#links[way];
    return way;
  }

  /**
   * Keeps a translation, in place of the one with the same tag, of an empty entry, or of the least recently used of
   * its set. Returns its entry.
   */
  insert(tag: number, frame: number, flags: number, storable: boolean, now: number): number {
    let way = this.find(tag);
    if (way < 0) {
      way = this.#victim(tag);
      if (this.tags[way] !== NONE) this.#unlink(way);
      const bucket = Math.imul(tag | 0, 0x9e3779b1) >>> this.#hashShift;
      this.#links[way] = this.#heads[bucket];
      this.#heads[bucket] = way;
      this.tags[way] = tag;
      this.live[sizeOf(flags)]++;
    }
    this.storeTags[way] = storable ? tag : NONE;
    this.frames[way] = frame;
    this.flags[way] = flags;
    this.stamps[way] = now;
    return way;
  }

  /** Forgets an entry in use. */
  drop(way: number): void {
    this.#unlink(way);
    this.tags[way] = NONE;
    this.storeTags[way] = NONE;
    this.stamps[way] = 0;
    this.#queueEnd = 0;
    this.#queueNext = 0;
  }

  /** Forgets the translation with this tag, if there is one. */
  dropTag(tag: number): void {
    const way = this.find(tag);
    if (way >= 0) this.drop(way);
  }

  /** Forgets every translation of one PCID; global ones have a PCID of their own. */
  dropPcid(pcid: number): void {
    for (let way = 0; way < this.entries; way++)
      if (this.tags[way] !== NONE && pcidOf(this.flags[way]) === pcid) this.drop(way);
  }

  /** Forgets every translation, or all but those of the PCID `except`. */
  dropAll(except: number): void {
    if (this.live[0] + this.live[1] + this.live[2] === 0) return;
    for (let way = 0; way < this.entries; way++)
      if (this.tags[way] !== NONE && pcidOf(this.flags[way]) !== except) this.drop(way);
  }

  /** Forgets every translation with a protection key other than 0. */
  dropKeyed(): void {
    for (let way = 0; way < this.entries; way++)
      if (this.tags[way] !== NONE && keyOf(this.flags[way]) !== 0) this.drop(way);
  }

  #unlink(way: number): void {
    const bucket = Math.imul(this.tags[way] | 0, 0x9e3779b1) >>> this.#hashShift;
    this.live[sizeOf(this.flags[way])]--;
    let at = this.#heads[bucket];
    if (at === way) {
      this.#heads[bucket] = this.#links[way];
      return;
    }
    while (this.#links[at] !== way) at = this.#links[at];
    this.#links[at] = this.#links[way];
  }

  /** The entry to replace: an empty one (its stamp is 0) or the least recently used of the tag's set. */
  #victim(tag: number): number {
    if (this.#setMask === 0) return this.#victimOfAll();
    const page = tag | 0;
    const first = ((page & this.#setMask) ^ ((page >>> this.#foldShift) & this.#foldMask)) * this.ways;
    let victim = first;
    let oldest = this.stamps[first];
    for (let way = first + 1; way < first + this.ways; way++) {
      const stamp = this.stamps[way];
      if (stamp < oldest) {
        oldest = stamp;
        victim = way;
      }
    }
    return victim;
  }

  /**
   * One search finds the eight least recently used, oldest first. Later ones of these, as long as their stamp did
   * not change, are still older than all others: everything used since has a later stamp. So most misses search
   * nothing, and a hit still costs one store. An entry that becomes empty ends the queue (`drop`).
   */
  #victimOfAll(): number {
    while (this.#queueNext < this.#queueEnd) {
      const at = this.#queueNext++;
      const way = this.#queueWays[at];
      if (this.stamps[way] === this.#queueStamps[at]) return way;
    }
    this.#fillQueue();
    this.#queueNext = 1;
    return this.#queueWays[0];
  }

  #fillQueue(): void {
    const ways = this.#queueWays;
    const oldest = this.#queueStamps;
    let count = 0;
    for (let way = 0; way < this.entries; way++) {
      const stamp = this.stamps[way];
      if (count === QUEUE && stamp >= oldest[QUEUE - 1]) continue;
      let at = count < QUEUE ? count++ : QUEUE - 1;
      while (at > 0 && oldest[at - 1] > stamp) {
        oldest[at] = oldest[at - 1];
        ways[at] = ways[at - 1];
        at--;
      }
      oldest[at] = stamp;
      ways[at] = way;
    }
    this.#queueEnd = count;
  }

  /** The entries in use, for a snapshot. */
  save(): TranslationCacheState {
    const { tags, storeTags, stamps, frames, flags } = this;
    return {
      tags: tags.slice(),
      storeTags: storeTags.slice(),
      stamps: stamps.slice(),
      frames: frames.slice(),
      flags: flags.slice(),
    };
  }

  /** Takes the place of everything kept. Throws RangeError when the state is of a cache of another size. */
  restore(state: TranslationCacheState): void {
    if (state.tags.length !== this.entries)
      throw new RangeError(
        `TranslationCache.restore: a state of ${state.tags.length} entries, this has ${this.entries}`,
      );
    this.#heads.fill(NONE);
    this.live.fill(0);
    this.#queueEnd = 0;
    this.#queueNext = 0;
    this.tags.set(state.tags);
    this.storeTags.set(state.storeTags);
    this.stamps.set(state.stamps);
    this.frames.set(state.frames);
    this.flags.set(state.flags);
    for (let way = 0; way < this.entries; way++) {
      if (this.tags[way] === NONE) continue;
      const bucket = Math.imul(this.tags[way] | 0, 0x9e3779b1) >>> this.#hashShift;
      this.#links[way] = this.#heads[bucket];
      this.#heads[bucket] = way;
      this.live[sizeOf(this.flags[way])]++;
    }
  }
}

export interface TranslationCacheState {
  readonly tags: Float64Array;
  readonly storeTags: Float64Array;
  readonly stamps: Float64Array;
  readonly frames: Int32Array;
  readonly flags: Int32Array;
}
