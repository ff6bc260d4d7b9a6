import { STORE } from '../../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { ServiceProcess } from '../service-process.ts';

/**
 * A JVM's heap as the machine sees it: anonymous memory of which every page is touched at the start (-XX:+AlwaysPreTouch,
 * which Elasticsearch passes to Java), and through which new objects then go round and round. What a larger heap spares
 * in collections of garbage is not modelled.
 */
export class JvmHeap {
  readonly bytes: number;
  readonly #service: ServiceProcess;
  readonly #address: number;
  #next = 0;

  constructor(service: ServiceProcess, bytes: number) {
    this.#service = service;
    this.bytes = bytes - (bytes % PAGE_SIZE);
    this.#address = service.allocate(this.bytes);
    service.touch(this.#address, this.bytes, STORE);
  }

  /** New objects of so many bytes. */
  use(bytes: number): void {
    const here = Math.min(bytes, this.bytes - this.#next);
    this.#service.touch(this.#address + this.#next, here, STORE);
    this.#next = (this.#next + here) % this.bytes;
  }
}
