import { SettingError } from '../setting-error.ts';

/** What the Kafka model may be told. Names in comments are Kafka's own settings, values its documented defaults. */
export interface KafkaSettings {
  /** num.partitions, of the one topic. */
  readonly partitions: number;
  /** log.segment.bytes: a partition's file that is written to is closed at this size, and a new one begun. */
  readonly segmentBytes: number;
  /** log.index.interval.bytes: bytes of messages between two entries of an index. */
  readonly indexIntervalBytes: number;
  /** log.index.size.max.bytes: what an index file of the active segment takes, most of it a hole. */
  readonly indexMaxBytes: number;
  /** The producers' batch.size: what they send at once to a partition, and one write(2) of the broker. */
  readonly batchBytes: number;
  /** Of one record, with what the batch adds to it; only tells how many messages there are. */
  readonly messageBytes: number;
  /** What all producers send, bytes per second. */
  readonly producedPerSecond: number;
  /** max.partition.fetch.bytes: what one fetch gets of a partition at most. */
  readonly fetchBytes: number;
  /** Consumers that read every batch as soon as it is there (fetch.min.bytes 1). */
  readonly tailConsumers: number;
  /** When the consumer that was away comes back, seconds from the start. It begins with the first message. */
  readonly awaySeconds: number;
  /** How fast that consumer can take messages in, bytes per second. */
  readonly catchUpPerSecond: number;
  /** Simulated seconds. */
  readonly seconds: number;
  /** The JVM's heap as far as it is used, bytes. */
  readonly heapBytes: number;
  /** Memory of the container that the broker runs in, its page cache included; bytes, 0 for none. */
  readonly limitBytes: number;
  /** queue/read_ahead_kb of the log's disk, in bytes. */
  readonly readAheadBytes: number;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/**
 * Documented defaults where there are any: kafka.apache.org/documentation, "Broker Configs", "Producer Configs" and
 * "Consumer Configs". What is not documented, being a load and no setting, is marked.
 */
export const KAFKA_DEFAULTS: KafkaSettings = {
  // num.partitions: default 1.
  partitions: 1,
  // log.segment.bytes: default 1073741824 (1 gibibyte).
  segmentBytes: 1024 * MIB,
  // log.index.interval.bytes: default 4096 (4 kibibytes).
  indexIntervalBytes: 4 * KIB,
  // log.index.size.max.bytes: default 10485760 (10 mebibytes).
  indexMaxBytes: 10 * MIB,
  // batch.size: default 16384.
  batchBytes: 16 * KIB,
  // Load: "about 1 KB" is what most published Kafka benchmarks send.
  messageBytes: KIB,
  // Load: half of a gigabit network.
  producedPerSecond: 50 * MIB,
  // max.partition.fetch.bytes: default 1048576 (1 mebibyte).
  fetchBytes: MIB,
  // Load.
  tailConsumers: 1,
  // Load: a consumer that was restarted.
  awaySeconds: 10,
  // Load: twice as fast as the producers, so that it catches up.
  catchUpPerSecond: 100 * MIB,
  // Scale of the model: long enough for the consumer to catch up.
  seconds: 20,
  // kafka-server-start.sh gives -Xmx1G -Xms1G, of which the JVM touches what it uses; this much is assumed.
  heapBytes: 64 * MIB,
  limitBytes: 0,
  // VM_READAHEAD_PAGES: what disks have that nobody changed.
  readAheadBytes: 128 * KIB,
};

/**
 * Fills in the defaults.
 * @throws SettingError for one that no broker can have
 */
export function kafkaSettings(given: Partial<KafkaSettings> = {}): KafkaSettings {
  const settings = { ...KAFKA_DEFAULTS, ...given };
  for (const [name, value] of Object.entries(settings)) {
    const mayBeZero = MAY_BE_ZERO.has(name);
    if (!Number.isFinite(value) || value < 0 || (value === 0 && !mayBeZero))
      throw new SettingError(name, `is ${value}; a ${mayBeZero ? 'number from 0 on' : 'positive number'} is needed`);
    if (WHOLE.has(name) && !Number.isInteger(value))
      throw new SettingError(name, `is ${value}; a whole number is needed`);
  }
  const { batchBytes, segmentBytes } = settings;
  if (batchBytes > segmentBytes)
    throw new SettingError('batchBytes', `is ${batchBytes}, too much for a segment of ${segmentBytes} bytes`);
  return settings;
}

const MAY_BE_ZERO: ReadonlySet<string> = new Set<keyof KafkaSettings>([
  'tailConsumers',
  'heapBytes',
  'awaySeconds',
  'limitBytes',
  'readAheadBytes',
]);
const WHOLE: ReadonlySet<string> = new Set<keyof KafkaSettings>([
  'partitions',
  'segmentBytes',
  'indexMaxBytes',
  'batchBytes',
  'fetchBytes',
  'tailConsumers',
  'heapBytes',
  'limitBytes',
  'readAheadBytes',
]);
