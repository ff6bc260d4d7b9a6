import { AgeList } from './age-list.ts';
import { keyOf, pcidOf } from './translation.ts';

/** How many entries a cache has and how they are arranged. */
export interface CacheGeometry {
  readonly entries: number;
  /** Entries in one set; equal to `entries` when it is fully associative. */
  readonly ways: number;
  /** How a page number chooses its set: its low bits, or those folded by exclusive or with the next ones. */
  readonly index?: 'low' | 'xor';
  /** Which entry of a full set goes: the least recently used one, or any. */
  readonly replacement?: 'lru' | 'random';
}

/** Arrays of `entries` numbers each. */
export interface SharedColumns {
  /** Where they begin in the longer arrays that they are parts of. */
  readonly first?: number;
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
/** Up to so many ways are compared one by one; more are found by a hash. */
const SCANNED_WAYS = 24;

/**
 * A small memory of translations: TLBs and page-walk caches are made of it. Replacement is true LRU within a set, or at
 * random, which for the machine means by a fixed sequence.
 *
 * The columns are public because the CPU tests hits itself: `tags[way] === tag` for a load or a fetch,
 * `storeTags[way] === tag` for a store, then `stamps[way] = ++now`. Whatever else changes an entry goes through the
 * methods. A set of few ways is searched one by one, a fully associative cache through a hash of the tag, so that a
 * hit in 64 entries, and the knowledge that there is none, cost no more than in 4 ways.
 */
export class TranslationCache {
  readonly entries: number;
  readonly ways: number;
  /** The place of its first entry in the columns that it shares with other arrays. */
  readonly first: number;
  /** The tag of each entry, -1 when it is empty. */
  readonly tags: Float64Array;
  /** The tag again where a store may pass without a walk (writable, dirty, key permits), else -1. */
  readonly storeTags: Float64Array;
  /** When each entry was last used, by the CPU's count of uses; 0 when empty. */
  readonly stamps: Float64Array;
  /** Two numbers an entry: the first frame of the page (in a page-walk cache the table), and FLAG_* of translation.ts. */
  readonly payload: Int32Array;

  readonly #setMask: number;
  readonly #foldShift: number;
  readonly #foldMask: number;
  /** By hash: the first entry of the chain; after these, by entry: the next one. Empty when sets are scanned. */
  readonly #chains: Int16Array;
  readonly #hashShift: number;
  readonly #links: number;
  readonly #ages: AgeList | undefined;
  readonly #random: boolean;
  /** Where the sequence of random numbers is (xorshift, never 0). */
  #chance = 0x2545f491;
  #used = 0;

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
    if (sets > 1 && ways > SCANNED_WAYS)
      throw new RangeError(`TranslationCache: sets of ${ways} ways; up to ${SCANNED_WAYS}, or a single set, are known`);
    this.entries = entries;
    this.ways = ways;
    this.first = columns.first ?? 0;
    this.tags = columns.tags.fill(NONE);
    this.storeTags = columns.storeTags.fill(NONE);
    this.stamps = columns.stamps;
    this.payload = new Int32Array(2 * entries);
    this.#setMask = sets - 1;
    this.#foldShift = Math.log2(sets);
    this.#foldMask = geometry.index === 'xor' ? sets - 1 : 0;
    const hashBits = ways > SCANNED_WAYS ? Math.ceil(Math.log2(entries)) + 2 : 0;
    this.#hashShift = 32 - hashBits;
    this.#links = 2 ** hashBits;
    this.#chains = new Int16Array(hashBits > 0 ? this.#links + entries : 0).fill(NONE);
    this.#random = geometry.replacement === 'random' && sets > 1;
    this.#ages = sets === 1 ? new AgeList(this.stamps) : undefined;
  }

  /** The entry with this tag, or -1. Does not count as a use. */
  find(tag: number): number {
    const tags = this.tags;
    if (this.ways <= SCANNED_WAYS) {
      const first = this.#setOf(tag);
      const end = first + this.ways;
      for (let way = first; way < end; way++) if (tags[way] === tag) return way;
      return NONE;
    }
    const chains = this.#chains;
    let way = chains[Math.imul(tag | 0, 0x9e3779b1) >>> this.#hashShift];
    while (way >= 0 && tags[way] !== tag) way = chains[this.#links + way];
    return way;
  }

  frameAt(way: number): number {
    return this.payload[2 * way];
  }

  flagsAt(way: number): number {
    return this.payload[2 * way + 1];
  }

  /** Keeps a translation, in place of one with the same tag or as `add` does. Returns its entry. */
  insert(tag: number, frame: number, flags: number, storable: boolean, now: number): number {
    const way = this.find(tag);
    if (way < 0) return this.add(tag, frame, flags, storable, now);
    this.storeTags[way] = storable ? tag : NONE;
    this.stamps[way] = now;
    this.payload[2 * way] = frame;
    this.payload[2 * way + 1] = flags;
    return way;
  }

  /**
   * Keeps a translation whose tag is not there yet, in place of an empty entry (its stamp is 0) or of one of its set: the
   * least recently used, or any. Returns its entry.
   */
  add(tag: number, frame: number, flags: number, storable: boolean, now: number): number {
    const ages = this.#ages;
    const way =
      ages !== undefined ? ages.renewOldest(now) : this.#random ? this.#anyOfSet(tag) : this.#oldestOfSet(tag);
    if (this.ways > SCANNED_WAYS) this.#relink(way, tag);
    if (this.tags[way] === NONE) this.#used++;
    this.tags[way] = tag;
    this.storeTags[way] = storable ? tag : NONE;
    this.stamps[way] = now;
    this.payload[2 * way] = frame;
    this.payload[2 * way + 1] = flags;
    return way;
  }

  /** Forgets an entry in use. */
  drop(way: number): void {
    if (this.ways > SCANNED_WAYS) this.#unlink(way);
    this.#used--;
    this.tags[way] = NONE;
    this.storeTags[way] = NONE;
    this.stamps[way] = 0;
    this.#ages?.makeOldest(way);
  }

  /** Forgets the translation with this tag, if there is one. */
  dropTag(tag: number): void {
    const way = this.find(tag);
    if (way >= 0) this.drop(way);
  }

  /** Forgets every translation of one PCID; global ones have a PCID of their own. */
  dropPcid(pcid: number): void {
    for (let way = 0; way < this.entries && this.#used > 0; way++)
      if (this.tags[way] !== NONE && pcidOf(this.flagsAt(way)) === pcid) this.drop(way);
  }

  /** Forgets every translation but those of the PCID `except`; -1 for none. */
  dropAll(except: number): void {
    for (let way = 0; way < this.entries && this.#used > 0; way++)
      if (this.tags[way] !== NONE && pcidOf(this.flagsAt(way)) !== except) this.drop(way);
  }

  /** Forgets every translation with a protection key other than 0. */
  dropKeyed(): void {
    for (let way = 0; way < this.entries; way++)
      if (this.tags[way] !== NONE && keyOf(this.flagsAt(way)) !== 0) this.drop(way);
  }

  /** The first entry of the set that a tag belongs to. */
  #setOf(tag: number): number {
    const page = tag | 0;
    return ((page & this.#setMask) ^ ((page >>> this.#foldShift) & this.#foldMask)) * this.ways;
  }

  #oldestOfSet(tag: number): number {
    const stamps = this.stamps;
    const first = this.#setOf(tag);
    const end = first + this.ways;
    let victim = first;
    let oldest = stamps[first];
    for (let way = first + 1; way < end; way++) {
      const stamp = stamps[way];
      if (stamp < oldest) {
        oldest = stamp;
        victim = way;
      }
    }
    return victim;
  }

  #anyOfSet(tag: number): number {
    const first = this.#setOf(tag);
    const end = first + this.ways;
    for (let way = first; way < end; way++) if (this.tags[way] === NONE) return way;
    let chance = this.#chance;
    chance ^= chance << 13;
    chance ^= chance >>> 17;
    chance ^= chance << 5;
    this.#chance = chance;
    return first + ((chance >>> 0) % this.ways);
  }

  /** Takes an entry out of the chain of its old tag, if it has one, and into that of a new one. */
  #relink(way: number, tag: number): void {
    if (this.tags[way] !== NONE) this.#unlink(way);
    const chains = this.#chains;
    const bucket = Math.imul(tag | 0, 0x9e3779b1) >>> this.#hashShift;
    chains[this.#links + way] = chains[bucket];
    chains[bucket] = way;
  }

  #unlink(way: number): void {
    const chains = this.#chains;
    let at = Math.imul(this.tags[way] | 0, 0x9e3779b1) >>> this.#hashShift;
    while (chains[at] !== way) at = this.#links + chains[at];
    chains[at] = chains[this.#links + way];
  }

  /**
   * The entries, for a snapshot. Which of the ways of a fully associative cache holds what means nothing, so they are
   * put in the order of their use: equal contents are equal states, whatever was there before.
   */
  save(): TranslationCacheState {
    const ways = Array.from(this.tags.keys());
    if (this.#ages !== undefined) {
      const { stamps, tags } = this;
      ways.sort((a, b) => stamps[b] - stamps[a] || tags[b] - tags[a]);
    }
    const used = (way: number, value: number): number => (this.tags[way] === NONE ? 0 : value);
    return {
      tags: Float64Array.from(ways, (way) => this.tags[way]),
      storeTags: Float64Array.from(ways, (way) => this.storeTags[way]),
      stamps: Float64Array.from(ways, (way) => this.stamps[way]),
      payload: Int32Array.from(ways.flatMap((way) => [used(way, this.frameAt(way)), used(way, this.flagsAt(way))])),
      chance: this.#chance,
    };
  }

  /** Takes the place of everything kept. Throws RangeError when the state is of a cache of another size. */
  restore(state: TranslationCacheState): void {
    if (state.tags.length !== this.entries)
      throw new RangeError(
        `TranslationCache.restore: a state of ${state.tags.length} entries, this has ${this.entries}`,
      );
    this.#chains.fill(NONE);
    this.storeTags.set(state.storeTags);
    this.stamps.set(state.stamps);
    this.payload.set(state.payload);
    this.tags.fill(NONE);
    this.#used = 0;
    for (let way = 0; way < this.entries; way++) {
      if (state.tags[way] !== NONE && this.ways > SCANNED_WAYS) this.#relink(way, state.tags[way]);
      this.tags[way] = state.tags[way];
      if (state.tags[way] !== NONE) this.#used++;
    }
    this.#ages?.sort();
    this.#chance = state.chance;
  }
}

export interface TranslationCacheState {
  readonly tags: Float64Array;
  readonly storeTags: Float64Array;
  readonly stamps: Float64Array;
  readonly payload: Int32Array;
  readonly chance: number;
}
