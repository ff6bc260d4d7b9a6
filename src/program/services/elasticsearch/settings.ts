import { SettingError } from '../setting-error.ts';

/** What the Elasticsearch model may be told. */
export interface ElasticsearchSettings {
  /** The JVM's heap (-Xms and -Xmx, which are to be equal) as a share of RAM. */
  readonly heapShare: number;
  /** All segments of the node's shards, bytes. */
  readonly indexBytes: number;
  /** How many segments there are; the largest has a quarter of all bytes. */
  readonly segments: number;
  /** Queries that are measured, and those before them that only warm the cache. */
  readonly queries: number;
  readonly warmupQueries: number;
  /** Distinct terms that queries are made of, and how much the popular ones are preferred (Zipf's exponent). */
  readonly terms: number;
  readonly skew: number;
  readonly termsPerQuery: number;
  /** Hits whose stored fields are fetched: `size` of the search API. */
  readonly hits: number;
  /** What mappings are told with madvise. */
  readonly readAdvice: 'normal' | 'random';
  /** Of the choices that queries make. */
  readonly seed: number;
}

const MIB = 2 ** 20;

export const ELASTICSEARCH_DEFAULTS: ElasticsearchSettings = {
  // "Set Xms and Xmx to no more than 50% of your total memory" (Elasticsearch reference, JVM settings, Set the JVM heap size).
  heapShare: 0.5,
  // Load: with three quarters of RAM, a heap of a quarter leaves room for all of it.
  indexBytes: 768 * MIB,
  // Load. TieredMergePolicy: segments_per_tier 10, so that some large and a tail of small segments are usual.
  segments: 12,
  // Scale of the model: enough for the hit ratio to settle.
  queries: 600,
  warmupQueries: 400,
  // Load: a vocabulary as of a large collection of text, searched for as words are.
  terms: 1_000_000,
  skew: 1,
  termsPerQuery: 2,
  // Search API, `size`: default 10.
  hits: 10,
  // Elasticsearch starts Java with -Dorg.apache.lucene.store.defaultReadAdvice=normal; Lucene 10's own default is random.
  readAdvice: 'normal',
  seed: 1,
};

/**
 * Fills in the defaults.
 * @throws SettingError for one that no node can have
 */
export function elasticsearchSettings(given: Partial<ElasticsearchSettings> = {}): ElasticsearchSettings {
  const settings = { ...ELASTICSEARCH_DEFAULTS, ...given };
  const { heapShare, skew } = settings;
  if (!(heapShare > 0 && heapShare <= 0.9))
    throw new SettingError('heapShare', `is ${heapShare}; more than 0 and at most 0.9 is possible`);
  if (!(skew >= 0 && skew <= 4)) throw new SettingError('skew', `is ${skew}; from 0 to 4 is possible`);
  for (const [names, least] of COUNTS)
    for (const name of names)
      if (!Number.isInteger(settings[name]) || settings[name] < least)
        throw new SettingError(name, `is ${settings[name]}; a whole number from ${least} on is needed`);
  return settings;
}

/** Whole numbers, with the least that each may be. */
const COUNTS = [
  [['indexBytes', 'segments', 'queries', 'terms', 'termsPerQuery'], 1],
  [['hits', 'warmupQueries', 'seed'], 0],
] as const;
