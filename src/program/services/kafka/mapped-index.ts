import { LOAD, STORE } from '../../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../../../kernel/uapi.ts';
import type { ServiceProcess } from '../service-process.ts';

/** Bytes at the end of an index in which most searches happen (AbstractIndex.warmEntries). */
const WARM_BYTES = 8192;

/**
 * An index file of a segment: entries of fixed size, in a shared mapping (AbstractIndex.java, "Kafka mmaps index files
 * into memory"). While its segment is written to, the file has its full size and is a hole for the most part; the segment's
 * end cuts it to what is used.
 */
export class MappedIndex {
  readonly #service: ServiceProcess;
  readonly #fd: number;
  readonly #entryBytes: number;
  #address: number;
  #bytes: number;
  entries = 0;

  constructor(service: ServiceProcess, path: string, entryBytes: number, maxBytes: number) {
    this.#service = service;
    this.#entryBytes = entryBytes;
    this.#fd = service.create(path);
    this.#bytes = Math.max(entryBytes, maxBytes - (maxBytes % entryBytes));
    this.#resize(this.#bytes);
    this.#address = this.#map();
  }

  get isFull(): boolean {
    return (this.entries + 1) * this.#entryBytes > this.#bytes;
  }

  append(): void {
    this.#service.touch(this.#address + this.entries * this.#entryBytes, this.#entryBytes, STORE);
    this.entries++;
  }

  /**
   * The search for an entry (indexSlotRangeFor): in the last 8 KiB when it is there, else in all that lies before, so that
   * readers at the end always touch the same few pages.
   */
  search(entry: number): void {
    if (this.entries === 0) return;
    const firstWarm = Math.max(0, this.entries - 1 - Math.floor(WARM_BYTES / this.#entryBytes));
    this.#load(firstWarm);
    let low = entry >= firstWarm ? firstWarm : 0;
    let high = entry >= firstWarm ? this.entries - 1 : firstWarm;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      this.#load(middle);
      if (entry >= middle) low = middle;
      else high = middle - 1;
    }
  }

  /** The segment is closed (trimToValidSize): the file loses its hole and is mapped anew. */
  trim(): void {
    const { kernel } = this.#service.machine;
    const { task } = this.#service;
    this.#service.call('munmap', () => kernel.addressSpaces.munmap(task, this.#address, this.#mappedBytes));
    this.#bytes = Math.max(1, this.entries) * this.#entryBytes;
    this.#resize(this.#bytes);
    this.#address = this.#map();
  }

  get #mappedBytes(): number {
    return Math.ceil(this.#bytes / PAGE_SIZE) * PAGE_SIZE;
  }

  #load(entry: number): void {
    this.#service.touch(this.#address + entry * this.#entryBytes, this.#entryBytes, LOAD);
  }

  #resize(bytes: number): void {
    const { machine, task } = this.#service;
    this.#service.call('ftruncate', () => machine.kernel.files.ftruncate(task, this.#fd, bytes));
  }

  #map(): number {
    return this.#service.map(this.#fd, this.#bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
  }
}
