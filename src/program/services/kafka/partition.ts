import type { ServiceProcess } from '../service-process.ts';
import { Segment } from './segment.ts';
import type { KafkaSettings } from './settings.ts';

/** A range of a partition that lies in one segment. */
export interface Slice {
  readonly segment: Segment;
  /** In the segment. */
  readonly position: number;
  readonly bytes: number;
}

/** A partition (UnifiedLog.java): segments one behind the other, of which the last is written to. Positions are bytes. */
export class Partition {
  readonly id: number;
  readonly #service: ServiceProcess;
  readonly #settings: KafkaSettings;
  readonly #path: string;
  readonly #headerBuffer: number;
  readonly #segments: Segment[] = [];

  /** @param headerBuffer memory of the broker that the headers of batches are read into */
  constructor(service: ServiceProcess, settings: KafkaSettings, path: string, id: number, headerBuffer: number) {
    this.id = id;
    this.#service = service;
    this.#settings = settings;
    this.#path = path;
    this.#headerBuffer = headerBuffer;
    this.#begin(0);
  }

  get segments(): number {
    return this.#segments.length;
  }

  /** Behind the last byte (the log end). */
  get end(): number {
    return this.#active.base + this.#active.bytes;
  }

  /** Appends a batch from the broker's memory. */
  append(buffer: number, batch: number): void {
    if (this.#active.shouldRoll(batch)) {
      this.#active.close();
      this.#begin(this.end);
    }
    this.#active.append(buffer, batch);
  }

  /**
   * What a fetch from a position gets: whole batches of one segment, at most `limit` bytes of them, yet always one
   * (the consumer throws half batches away). @returns undefined at the end
   */
  slice(position: number, limit: number): Slice | undefined {
    if (position >= this.end) return undefined;
    const segment = this.#segmentOf(position);
    const within = position - segment.base;
    const batch = this.#settings.batchBytes;
    const bytes = Math.max(batch, limit - (limit % batch));
    return { segment, position: within, bytes: Math.min(bytes, segment.bytes - within) };
  }

  #segmentOf(position: number): Segment {
    let found = this.#active;
    for (let i = this.#segments.length - 1; found.base > position && i >= 0; i--) found = this.#segments[i] as Segment;
    return found;
  }

  get #active(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  #begin(base: number): void {
    this.#segments.push(new Segment(this.#service, this.#settings, this.#path, base, this.#headerBuffer));
  }
}
