import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { XorShift } from '../../recording/xor-shift.ts';
import type { ServiceProcess } from '../service-process.ts';
import { Zipf } from '../zipf.ts';
import type { JvmHeap } from './jvm-heap.ts';
import type { LuceneSegment } from './lucene-segment.ts';
import type { ElasticsearchSettings } from './settings.ts';

/** Levels of the terms index that a look-up goes through, a page each: a trie whose upper levels all terms share. */
const TERMS_INDEX_LEVELS = 3;
/** Postings of one term that are read of a segment at most: block-max WAND passes over the rest. Assumed. */
const MOST_POSTINGS_PAGES = 32;
/** Pages of norms and of doc values that scoring and sorting the candidates of a segment needs. Assumed. */
const NORMS_PAGES = 2;
const DOC_VALUES_PAGES = 6;
/** What one document's stored fields cost: dictionary and sub-block of the compressed block that they lie in. Assumed. */
const STORED_FIELDS_PAGES = 4;
/** What the program does with a page's bytes: decoding, scoring. Assumed, 2 to 3 instructions a byte. */
const INSTRUCTIONS_PER_PAGE = 10_000;
/** Parsing the request, collecting, writing the answer. Assumed. */
const INSTRUCTIONS_PER_QUERY = 200_000;
/** Objects that a query leaves behind on the heap. Assumed. */
const GARBAGE_BYTES = 256 * 1024;

/** Searches of a few terms, most of them for popular ones. The same term always touches the same pages. */
export class Queries {
  readonly #service: ServiceProcess;
  readonly #segments: readonly LuceneSegment[];
  readonly #settings: ElasticsearchSettings;
  readonly #heap: JvmHeap;
  readonly #zipf: Zipf;
  readonly #readBuffer: number;
  /** The postings of the most frequent term are one part in so many of all postings: the harmonic number of the terms. */
  readonly #harmonic: number;

  /** @param random the only source of chance */
  constructor(
    service: ServiceProcess,
    settings: ElasticsearchSettings,
    parts: { segments: readonly LuceneSegment[]; heap: JvmHeap; random: XorShift },
  ) {
    this.#service = service;
    this.#settings = settings;
    this.#segments = parts.segments;
    this.#heap = parts.heap;
    this.#zipf = new Zipf(settings.terms, settings.skew, parts.random);
    this.#harmonic = Math.log(settings.terms) + 0.5772;
    this.#readBuffer = service.allocate(STORED_FIELDS_PAGES * PAGE_SIZE);
  }

  /** One search: the query phase over all segments, then the fetch phase. */
  run(): void {
    this.#service.compute(INSTRUCTIONS_PER_QUERY);
    this.#heap.use(GARBAGE_BYTES);
    const terms = Array.from({ length: this.#settings.termsPerQuery }, () => this.#zipf.next());
    const query = terms.reduce((mixed, term) => mix(mixed, term), 0);
    this.#segments.forEach((segment, at) => {
      for (const term of terms) this.#lookUp(segment, term, mix(term, at));
      this.#score(segment, mix(query, at));
    });
    this.#fetch(query);
  }

  /** Finds a term and reads its documents. @param place decides where in the files it lies */
  #lookUp(segment: LuceneSegment, term: number, place: number): void {
    let span = 1;
    for (let level = 0; level < TERMS_INDEX_LEVELS; level++) {
      this.#load(segment, 'termsIndex', place % span, 1);
      span = Math.max(1, Math.min(span * 16, segment.pages('termsIndex')));
    }
    this.#load(segment, 'termDictionary', place, 1);
    // The frequency of a term in text follows the same law as searches for it.
    const list = Math.ceil(segment.pages('postings') / (this.#harmonic * term));
    this.#load(segment, 'postings', mix(place, 1), Math.min(MOST_POSTINGS_PAGES, list));
  }

  /** Looks at norms and doc values of the candidates, which lie anywhere. */
  #score(segment: LuceneSegment, query: number): void {
    for (let i = 0; i < NORMS_PAGES; i++) this.#load(segment, 'norms', mix(query, i), 1);
    for (let i = 0; i < DOC_VALUES_PAGES; i++) this.#load(segment, 'docValues', mix(query, NORMS_PAGES + i), 1);
  }

  /** Reads the stored fields of the best hits, in the segments where they lie. */
  #fetch(query: number): void {
    for (let hit = 0; hit < this.#settings.hits; hit++) {
      const place = mix(query, 100 + hit);
      this.#segmentAt(place / 2 ** 32)?.read('storedFields', mix(place, 2), STORED_FIELDS_PAGES, this.#readBuffer);
      this.#service.compute(STORED_FIELDS_PAGES * INSTRUCTIONS_PER_PAGE);
    }
  }

  /** The segment that holds a document. @param at where it is in the index, 0 to 1 */
  #segmentAt(at: number): LuceneSegment | undefined {
    let behind = 0;
    for (const segment of this.#segments) {
      behind += segment.share;
      if (at < behind) return segment;
    }
    return this.#segments.at(-1);
  }

  #load(segment: LuceneSegment, file: Parameters<LuceneSegment['load']>[0], first: number, pages: number): void {
    segment.load(file, first, pages);
    this.#service.compute(pages * INSTRUCTIONS_PER_PAGE);
  }
}

/** Two numbers made into one below 2^32 that looks like chance, the same each time (the finaliser of MurmurHash3). */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
