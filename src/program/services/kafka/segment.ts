import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { Socket } from '../../../kernel/page-cache/splice.ts';
import type { ServiceProcess } from '../service-process.ts';
import { MappedIndex } from './mapped-index.ts';
import type { KafkaSettings } from './settings.ts';

/** Assumed, for a core that hands 20 GB/s to the network: looking a page up, the pipe, and the TCP stack. */
const INSTRUCTIONS_PER_PAGE_SENT = 1200;
/** An entry of the offset index: relative offset and position, 4 bytes each. */
const OFFSET_ENTRY = 8;
/** An entry of the time index: timestamp and relative offset. */
const TIME_ENTRY = 12;
/** HEADER_SIZE_UP_TO_MAGIC: what a fetch reads of a batch to see where it ends. */
const BATCH_HEADER = 17;

/**
 * A segment of a partition (LogSegment.java): a file of messages that is only appended to, and two mapped indexes. Writer
 * and all readers share one open file, as they share the broker's FileChannel, and with it one readahead state.
 */
export class Segment {
  /** Position in the partition of the first byte. */
  readonly base: number;
  /** The log's descriptor. */
  readonly fd: number;
  bytes = 0;
  readonly #service: ServiceProcess;
  readonly #settings: KafkaSettings;
  readonly #offsets: MappedIndex;
  readonly #times: MappedIndex;
  /** Where a lookup's answer, the start of a batch, is read into. */
  readonly #headerBuffer: number;
  /** Position in the segment of each index entry. */
  readonly #positions: number[] = [];
  #sinceEntry = 0;

  constructor(service: ServiceProcess, settings: KafkaSettings, path: string, base: number, headerBuffer: number) {
    this.#service = service;
    this.#settings = settings;
    this.#headerBuffer = headerBuffer;
    this.base = base;
    const name = `${path}/${String(base).padStart(20, '0')}`;
    this.fd = service.create(`${name}.log`);
    this.#offsets = new MappedIndex(service, `${name}.index`, OFFSET_ENTRY, settings.indexMaxBytes);
    this.#times = new MappedIndex(service, `${name}.timeindex`, TIME_ENTRY, settings.indexMaxBytes);
  }

  /** Whether a batch would make it too large, or an index is full (LogSegment.shouldRoll). */
  shouldRoll(batch: number): boolean {
    return this.bytes + batch > this.#settings.segmentBytes || this.#offsets.isFull || this.#times.isFull;
  }

  /** Writes a batch, and an index entry when enough was written since the last (LogSegment.append). */
  append(buffer: number, batch: number): void {
    const { machine, task } = this.#service;
    const written = this.#service.call('write', () => machine.kernel.files.write(task, this.fd, buffer, batch), true);
    if (this.#sinceEntry > this.#settings.indexIntervalBytes) {
      this.#offsets.append();
      this.#times.append();
      this.#positions.push(this.bytes);
      this.#sinceEntry = 0;
    }
    this.bytes += written;
    this.#sinceEntry += written;
  }

  /** No more will be written (LogSegment.onBecomeInactiveSegment). */
  close(): void {
    this.#offsets.trim();
    this.#times.trim();
  }

  /** Finds the batch at a position (translateOffset): a search of the index, then a look at the batch's header. */
  locate(position: number): void {
    this.#offsets.search(lastAtMost(this.#positions, position));
    const { machine, task } = this.#service;
    const { files } = machine.kernel;
    this.#service.call('pread64', () => files.pread(task, this.fd, this.#headerBuffer, BATCH_HEADER, position), true);
  }

  /** Sends bytes to a consumer (FileChannel.transferTo). @returns bytes sent */
  send(socket: Socket, position: number, bytes: number): number {
    const { machine, task } = this.#service;
    this.#service.compute((bytes / PAGE_SIZE) * INSTRUCTIONS_PER_PAGE_SENT);
    return this.#service.call(
      'sendfile64',
      () => machine.kernel.files.sendfile(task, socket, this.fd, position, bytes),
      true,
    );
  }
}

/** Index of the last of ascending numbers that is at most `limit`; 0 when none is. */
function lastAtMost(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
