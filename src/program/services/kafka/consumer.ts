import { PAGE_SIZE, type Pfn } from '../../../hardware/units.ts';
import type { Socket } from '../../../kernel/page-cache/splice.ts';
import { panic } from '../../../kernel/panic.ts';
import { Latencies, type LatencySummary } from '../latencies.ts';
import type { ServiceDisk } from '../service-disk.ts';
import type { ServiceProcess } from '../service-process.ts';
import type { Partition } from './partition.ts';

/** What somebody who looks at the delivered bytes is shown: a piece of a cache page, valid during the call only. */
export type Delivery = (consumer: string, partition: number, position: number, bytes: Uint8Array) => void;

/** A consumer's connection to the broker, its place in each partition, and what serving it has cost. */
export class Consumer implements Socket {
  readonly name: string;
  readonly fd: number;
  readonly #service: ServiceProcess;
  readonly #disk: ServiceDisk;
  readonly #positions: Float64Array;
  readonly #deliver: Delivery | undefined;
  readonly #latencies = new Latencies();
  /** The partition whose bytes come now, and the position of the next of them. */
  #receiving = 0;
  #received = 0;
  #bytes = 0;
  #pages = 0;
  #cachedPages = 0;
  #diskReads = 0;
  #diskBytes = 0;

  constructor(
    name: string,
    fd: number,
    partitions: number,
    parts: { service: ServiceProcess; disk: ServiceDisk; deliver?: Delivery | undefined },
  ) {
    this.name = name;
    this.fd = fd;
    this.#service = parts.service;
    this.#disk = parts.disk;
    this.#deliver = parts.deliver;
    this.#positions = new Float64Array(partitions);
  }

  position(partition: Partition): number {
    return this.#positions[partition.id] as number;
  }

  /**
   * One fetch request of one partition (ReplicaManager.fetchMessages).
   * @param limit bytes at most; @returns bytes delivered, 0 when there was nothing
   */
  fetch(partition: Partition, limit: number): number {
    const position = this.position(partition);
    const slice = partition.slice(position, limit);
    if (slice === undefined) return 0;
    const { segment, bytes } = slice;
    const pages = Math.ceil((slice.position + bytes) / PAGE_SIZE) - Math.floor(slice.position / PAGE_SIZE);
    const cached = this.#cachedOf(segment.fd, slice.position, bytes);
    const { reads, readBytes } = this.#disk;
    const start = this.#service.now;
    this.#receiving = partition.id;
    this.#received = position;
    segment.locate(slice.position);
    const sent = segment.send(this, slice.position, bytes);
    if (sent !== bytes) panic(`kafka: ${sent} of ${bytes} bytes were sent`);
    this.#latencies.add(this.#service.now - start);
    this.#bytes += bytes;
    this.#pages += pages;
    this.#cachedPages += cached;
    this.#diskReads += this.#disk.reads - reads;
    this.#diskBytes += this.#disk.readBytes - readBytes;
    this.#positions[partition.id] = position + bytes;
    return bytes;
  }

  /** Pages of a range that are cached before the fetch begins. Looking costs no time: it is ours, not the broker's. */
  #cachedOf(fd: number, position: number, bytes: number): number {
    const { files } = this.#service.machine.kernel;
    const file = this.#service.task.process.files.get(fd) ?? panic('kafka: the segment is not open');
    return files.cacheStatOf(file.inode, position, bytes).cache;
  }

  receive(frame: Pfn, offset: number, bytes: number): void {
    if (this.#deliver === undefined) return;
    const page = this.#service.machine.memory.view(frame).subarray(offset, offset + bytes);
    this.#deliver(this.name, this.#receiving, this.#received, page);
    this.#received += bytes;
  }

  report(): ConsumerReport {
    return {
      name: this.name,
      bytes: this.#bytes,
      fetches: this.#latencies.count,
      pages: this.#pages,
      cachedPages: this.#cachedPages,
      cachedShare: this.#pages === 0 ? 1 : this.#cachedPages / this.#pages,
      diskReads: this.#diskReads,
      diskBytes: this.#diskBytes,
      latency: this.#latencies.summary(),
    };
  }
}

/** What serving a consumer has cost. */
export interface ConsumerReport {
  readonly name: string;
  /** Delivered. */
  readonly bytes: number;
  readonly fetches: number;
  /** Pages of segments that the fetches went through, and how many of them each fetch found cached when it began. */
  readonly pages: number;
  readonly cachedPages: number;
  readonly cachedShare: number;
  /** Requests to the disk while its fetches ran, index pages and readahead included. */
  readonly diskReads: number;
  readonly diskBytes: number;
  /** Of a fetch, from the request to the last byte that is handed to the socket. */
  readonly latency: LatencySummary;
}
