/** What runs of services print for people. */
import type { ElasticsearchReport } from '../program/services/elasticsearch/elasticsearch.ts';
import type { KafkaReport } from '../program/services/kafka/kafka.ts';
import type { MemorySample } from '../program/services/memory-sample.ts';
import { bytesText, grouped, percentText, timeText } from './quantity.ts';

/** Columns of text, the first to the left and the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))),
    )
    .map((row) => `  ${row.join('  ').trimEnd()}\n`)
    .join('');
}

const plural = (count: number, what: string): string => `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;

export function kafkaText(report: KafkaReport): string {
  const { settings, consumers } = report;
  const speed = (bytes: number): string => `${bytesText(bytes)}/s`;
  return (
    `Kafka with ${plural(settings.partitions, 'partition')} on ${bytesText(report.memoryBytes)} of RAM and ${report.disk}` +
    `${settings.limitBytes > 0 ? ` in a container of ${bytesText(settings.limitBytes)}` : ''}, ` +
    `${report.simulatedSeconds.toFixed(1)} s simulated\n` +
    `produced ${bytesText(report.producedBytes)} at ${speed(settings.producedPerSecond)}: ` +
    `${plural(report.producedMessages, 'message')} in ${plural(report.segments, 'segment')}; ` +
    `written back ${bytesText(report.writtenBackBytes)}\n` +
    `an append takes ${timeText(report.append.meanNs)} in the mean, p99 ${timeText(report.append.p99Ns)}\n` +
    `the lagging consumer comes back after ${settings.awaySeconds} s and takes ${speed(settings.catchUpPerSecond)}\n\n` +
    table([
      ['consumer', 'delivered', 'from cache', 'disk reads', 'read', 'fetch mean', 'p50', 'p99'],
      ...consumers.map(({ name, bytes, pages, cachedPages, diskReads, diskBytes, latency }) => [
        name,
        bytesText(bytes),
        pages === 0 ? '-' : percentText(cachedPages, pages),
        grouped(diskReads),
        bytesText(diskBytes),
        timeText(latency.meanNs),
        timeText(latency.p50Ns),
        timeText(latency.p99Ns),
      ]),
    ]) +
    `\nmemory over time\n${memoryTable(report.samples)}`
  );
}

function memoryTable(samples: readonly MemorySample[]): string {
  return table([
    ['seconds', 'free', 'cache', 'dirty', 'pages reclaimed', 'read again'],
    ...samples.map((sample) => [
      sample.seconds.toFixed(1),
      bytesText(sample.freeBytes),
      bytesText(sample.cachedBytes),
      bytesText(sample.dirtyBytes),
      grouped(sample.reclaimedPages),
      grouped(sample.refaultedPages),
    ]),
  ]);
}

/** Runs with heaps of several sizes side by side. */
export function elasticsearchText(runs: readonly ElasticsearchReport[]): string {
  const [first] = runs;
  if (first === undefined) return '';
  const { settings } = first;
  const row = (name: string, value: (run: ElasticsearchReport) => string): string[] => [name, ...runs.map(value)];
  return (
    `Elasticsearch on ${bytesText(first.memoryBytes)} of RAM and ${first.disk}: an index of ${bytesText(settings.indexBytes)} in ` +
    `${plural(settings.segments, 'segment')}, read advice ${settings.readAdvice}\n` +
    `${grouped(settings.queries)} ${settings.queries === 1 ? 'search' : 'searches'}` +
    ` of ${settings.termsPerQuery} terms out of ${grouped(settings.terms)}, skew ${settings.skew}, ` +
    `after ${grouped(settings.warmupQueries)} that are not counted\n\n` +
    table([
      row('heap, of RAM', (run) => percentText(run.heapBytes, run.memoryBytes)),
      row('heap', (run) => bytesText(run.heapBytes)),
      row('page cache', (run) => bytesText(run.memory.cachedBytes)),
      row('hit ratio', (run) => percentText(run.touchedPages - run.missedPages, run.touchedPages)),
      row('major faults', (run) => grouped(run.majorFaults)),
      row('disk reads', (run) => grouped(run.diskReads)),
      row('read', (run) => bytesText(run.diskBytes)),
      row('search mean', (run) => timeText(run.latency.meanNs)),
      row('search p50', (run) => timeText(run.latency.p50Ns)),
      row('search p99', (run) => timeText(run.latency.p99Ns)),
    ])
  );
}
