/**
 * Elasticsearch as a program of the machine: a JVM with a heap of anonymous memory, an index in Lucene segments of which
 * most files are mapped, and searches that touch them. Heap and page cache share one memory: what the heap
 * takes, the cache does not have.
 */
import type { Machine } from '../../../machine/machine.ts';
import { XorShift } from '../../recording/xor-shift.ts';
import { Latencies, type LatencySummary } from '../latencies.ts';
import { type MemorySample, memorySample } from '../memory-sample.ts';
import { ServiceDisk } from '../service-disk.ts';
import { ServiceProcess } from '../service-process.ts';
import { JvmHeap } from './jvm-heap.ts';
import { LuceneSegment, type PageCount } from './lucene-segment.ts';
import { Queries } from './query.ts';
import { type ElasticsearchSettings, elasticsearchSettings } from './settings.ts';

const DATA = '/var/lib/elasticsearch';
/** Each segment has this share of what the larger ones leave: the first a quarter of all. */
const LARGEST_SHARE = 0.25;

export interface ElasticsearchRun {
  readonly settings?: Partial<ElasticsearchSettings>;
}

/**
 * Runs a node on a machine.
 * @throws SettingError for settings that no node can have
 * @throws ServiceError, OutOfMemory when heap and what else there is do not fit into memory
 */
export function runElasticsearch(machine: Machine, run: ElasticsearchRun = {}): ElasticsearchReport {
  const settings = elasticsearchSettings(run.settings);
  const service = new ServiceProcess(machine, 'java');
  const disk = new ServiceDisk(machine, DATA);
  const heap = new JvmHeap(service, Math.floor(machine.options.memory * settings.heapShare));
  const counts: PageCount = { touched: 0, missed: 0 };
  const segments = segmentShares(settings.segments).map(
    (share, at) =>
      new LuceneSegment(service, counts, {
        path: `${DATA}/_${at.toString(36)}`,
        bytes: settings.indexBytes * share,
        share,
        random: settings.readAdvice === 'random',
      }),
  );
  const queries = new Queries(service, settings, { segments, heap, random: new XorShift(settings.seed) });
  for (let i = 0; i < settings.warmupQueries; i++) queries.run();

  const before = { ...counts, majors: service.task.majFlt, reads: disk.reads, readBytes: disk.readBytes };
  const start = service.now;
  const latencies = new Latencies();
  for (let i = 0; i < settings.queries; i++) {
    const begin = service.now;
    queries.run();
    latencies.add(service.now - begin);
    machine.clock.settle();
  }
  const touched = counts.touched - before.touched;
  const missed = counts.missed - before.missed;
  return {
    service: 'elasticsearch',
    memoryBytes: machine.options.memory,
    disk: disk.model.name,
    settings,
    heapBytes: heap.bytes,
    simulatedSeconds: (service.now - start) / 1e9,
    touchedPages: touched,
    missedPages: missed,
    hitRatio: touched === 0 ? 1 : 1 - missed / touched,
    majorFaults: service.task.majFlt - before.majors,
    diskReads: disk.reads - before.reads,
    diskBytes: disk.readBytes - before.readBytes,
    latency: latencies.summary(),
    memory: memorySample(machine, start),
  };
}

/** How the index's bytes are spread over so many segments: each smaller than the one before, 1 in all. */
export function segmentShares(segments: number): number[] {
  const weights = Array.from({ length: segments }, (_, at) => (1 - LARGEST_SHARE) ** at);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

export interface ElasticsearchReport {
  readonly service: 'elasticsearch';
  readonly memoryBytes: number;
  readonly disk: string;
  readonly settings: ElasticsearchSettings;
  readonly heapBytes: number;
  /** All that follows is of the measured queries only. */
  readonly simulatedSeconds: number;
  /** Pages of the index that they asked for, mapped or read, and those that were not in memory then. */
  readonly touchedPages: number;
  readonly missedPages: number;
  readonly hitRatio: number;
  readonly majorFaults: number;
  readonly diskReads: number;
  readonly diskBytes: number;
  readonly latency: LatencySummary;
  /** At the end. */
  readonly memory: MemorySample;
}
