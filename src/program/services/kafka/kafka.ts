/**
 * Kafka as a program of the machine: a broker whose producers append to the active segments with write(2), consumers at the
 * end of the log that get every batch at once, and one that was away and reads from the beginning. All go through
 * the page cache; what is cached when, the machine decides.
 */
import { STORE } from '../../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { Machine } from '../../../machine/machine.ts';
import { Latencies, type LatencySummary } from '../latencies.ts';
import { type MemorySample, memorySample } from '../memory-sample.ts';
import { ServiceDisk } from '../service-disk.ts';
import { ServiceProcess } from '../service-process.ts';
import { Consumer, type ConsumerReport, type Delivery } from './consumer.ts';
import { Partition } from './partition.ts';
import { type KafkaSettings, kafkaSettings } from './settings.ts';

const DATA = '/var/lib/kafka';
const SAMPLES = 10;
const SECOND = 1e9;
/** Descriptors that tracepoints show for connections. */
const FIRST_SOCKET = 1_000_000;

/** Fills the memory that a batch lies in, on a machine with contents. */
export type Payload = (partition: number, position: number, into: Uint8Array) => void;

export interface KafkaRun {
  readonly settings?: Partial<KafkaSettings>;
  /** What the producers send, and who looks at what consumers get: machines with contents only. */
  readonly payload?: Payload;
  readonly deliver?: Delivery;
}

/**
 * Runs a broker on a machine.
 * @throws SettingError for settings that no broker can have
 * @throws ServiceError, OutOfMemory when what it needs does not fit into memory
 */
export function runKafka(machine: Machine, run: KafkaRun = {}): KafkaReport {
  return new Broker(machine, run).run();
}

class Broker {
  readonly #settings: KafkaSettings;
  readonly #service: ServiceProcess;
  readonly #disk: ServiceDisk;
  readonly #payload: Payload | undefined;
  readonly #partitions: Partition[];
  readonly #tails: Consumer[];
  readonly #late: Consumer;
  /** Where requests are read into before they are written to the log. */
  readonly #buffer: number;
  readonly #writes = new Latencies();
  readonly #samples: MemorySample[] = [];
  #batches = 0;
  /** When the consumer that was away asks again. */
  #nextLate = 0;
  /** The partition that the late consumer asks for next. */
  #turn = 0;

  constructor(machine: Machine, { settings: given, payload, deliver }: KafkaRun) {
    const settings = kafkaSettings(given);
    this.#settings = settings;
    this.#payload = payload;
    this.#service = new ServiceProcess(machine, 'java', settings.limitBytes);
    this.#disk = new ServiceDisk(machine, DATA, settings.readAheadBytes);
    const service = this.#service;
    if (settings.heapBytes > 0) service.touch(service.allocate(settings.heapBytes), settings.heapBytes, STORE);
    this.#buffer = service.allocate(Math.ceil(settings.batchBytes / PAGE_SIZE) * PAGE_SIZE);
    const headers = service.allocate(PAGE_SIZE);
    this.#partitions = Array.from(
      { length: settings.partitions },
      (_, id) => new Partition(service, settings, `${DATA}/topic-${id}`, id, headers),
    );
    const parts = { service, disk: this.#disk, deliver };
    const consumer = (name: string, at: number): Consumer =>
      new Consumer(name, FIRST_SOCKET + at, settings.partitions, parts);
    this.#tails = Array.from({ length: settings.tailConsumers }, (_, i) =>
      consumer(settings.tailConsumers === 1 ? 'tail' : `tail-${i + 1}`, i),
    );
    this.#late = consumer('lagging', settings.tailConsumers);
  }

  /**
   * Does what is due in the order of time. One processor serves all: who comes while another is served waits, and that wait
   * is no part of a latency.
   */
  run(): KafkaReport {
    const { seconds, awaySeconds, batchBytes, producedPerSecond } = this.#settings;
    const { clock } = this.#service.machine;
    const start = clock.now;
    const end = start + seconds * SECOND;
    const interval = (batchBytes / producedPerSecond) * SECOND;
    this.#nextLate = start + awaySeconds * SECOND;
    while (clock.now < end) {
      const batchDue = start + (this.#batches + 1) * interval;
      const due = Math.min(batchDue, this.#nextLate);
      if (due >= end) break;
      if (due > clock.now) clock.sleep(due - clock.now);
      else clock.settle();
      this.#sample(start);
      if (batchDue <= this.#nextLate) this.#produce();
      else this.#serveLate(batchDue);
    }
    if (clock.now < end) clock.sleep(end - clock.now);
    this.#samples.push(memorySample(this.#service.machine, start));
    return this.#report(start);
  }

  /** One batch is appended; whoever waits for messages of its partition gets them. */
  #produce(): void {
    const { batchBytes, fetchBytes } = this.#settings;
    const partition = this.#partitions[this.#batches % this.#partitions.length] as Partition;
    this.#fillBuffer(partition);
    const before = this.#service.now;
    partition.append(this.#buffer, batchBytes);
    this.#writes.add(this.#service.now - before);
    this.#batches++;
    for (const tail of this.#tails) while (tail.fetch(partition, fetchBytes) > 0);
  }

  #fillBuffer(partition: Partition): void {
    const { batchBytes } = this.#settings;
    const { machine, task } = this.#service;
    if (this.#payload === undefined) {
      this.#service.touch(this.#buffer, batchBytes, STORE);
      return;
    }
    const bytes = new Uint8Array(batchBytes);
    this.#payload(partition.id, partition.end, bytes);
    machine.writeBytes(task, this.#buffer, bytes);
  }

  /** One fetch of the consumer that was away; the next is due when it has taken in what it got. */
  #serveLate(batchDue: number): void {
    const { fetchBytes, catchUpPerSecond } = this.#settings;
    const begin = this.#service.now;
    for (let tries = 0; tries < this.#partitions.length; tries++) {
      const partition = this.#partitions[this.#turn] as Partition;
      this.#turn = (this.#turn + 1) % this.#partitions.length;
      const bytes = this.#late.fetch(partition, fetchBytes);
      if (bytes === 0) continue;
      this.#nextLate = Math.max(this.#service.now, begin + (bytes / catchUpPerSecond) * SECOND);
      return;
    }
    // It has caught up: the broker answers with the next batch (a fetch in purgatory).
    this.#nextLate = Math.max(batchDue, this.#service.now) + 1;
  }

  #sample(start: number): void {
    const { seconds } = this.#settings;
    const { now, machine } = this.#service;
    if (now - start >= (this.#samples.length * seconds * SECOND) / SAMPLES)
      this.#samples.push(memorySample(machine, start));
  }

  #report(start: number): KafkaReport {
    const { batchBytes, messageBytes } = this.#settings;
    const { machine } = this.#service;
    return {
      service: 'kafka',
      memoryBytes: machine.options.memory,
      disk: this.#disk.model.name,
      settings: this.#settings,
      simulatedSeconds: (machine.clock.now - start) / SECOND,
      producedBytes: this.#batches * batchBytes,
      producedMessages: Math.floor((this.#batches * batchBytes) / messageBytes),
      segments: this.#partitions.reduce((sum, partition) => sum + partition.segments, 0),
      append: this.#writes.summary(),
      consumers: [...this.#tails, this.#late].map((consumer) => consumer.report()),
      writtenBackBytes: this.#disk.writtenBytes,
      samples: this.#samples,
    };
  }
}

export interface KafkaReport {
  readonly service: 'kafka';
  readonly memoryBytes: number;
  readonly disk: string;
  readonly settings: KafkaSettings;
  readonly simulatedSeconds: number;
  readonly producedBytes: number;
  readonly producedMessages: number;
  readonly segments: number;
  /** Of an append of one batch: the write(2) and the indexes' entries. */
  readonly append: LatencySummary;
  readonly consumers: readonly ConsumerReport[];
  readonly writtenBackBytes: number;
  readonly samples: readonly MemorySample[];
}
