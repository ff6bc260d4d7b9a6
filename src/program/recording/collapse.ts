/**
 * Collapses single accesses into page runs, for importers of traces that tell each access: what native/pagetrace does
 * inside the program.
 */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Block } from './block.ts';
import { BlockBuilder } from './block-builder.ts';
import { RUN_READ, RUN_WRITE } from './format.ts';

const NO_PAGE = -1;
/** Page of an address below 2^53. */
const pageOf = (address: number): number => Math.floor(address / PAGE_SIZE);

export class RunCollapser {
  private readonly builder: BlockBuilder;
  private readonly emit: (block: Block) => void;
  private fetchPage = NO_PAGE;
  private dataPage = NO_PAGE;
  /** The open data run began with a store. */
  private writing = false;
  private loads = 0;
  private stores = 0;

  /** @param emit takes each full block */
  constructor(stream: number, emit: (block: Block) => void) {
    this.builder = new BlockBuilder(stream);
    this.emit = emit;
  }

  /** An instruction of `size` bytes; the accesses that follow are its own. */
  fetch(address: number, size: number): void {
    this.fetchFrom(pageOf(address));
    this.fetchFrom(pageOf(address + size - 1));
    this.builder.retire(1);
  }

  load(address: number, size: number): void {
    this.data(address, size, 1, 0);
  }

  store(address: number, size: number): void {
    this.data(address, size, 0, 1);
  }

  /** One instruction loads and stores the same place: the processor asks for writing at once. */
  modify(address: number, size: number): void {
    this.data(address, size, 1, 1);
  }

  /** Hands out the last block. */
  finish(): void {
    this.flush();
  }

  private fetchFrom(page: number): void {
    if (page === this.fetchPage) return;
    if (this.builder.full) this.flush();
    this.builder.fetch(page);
    this.fetchPage = page;
  }

  private data(address: number, size: number, loads: number, stores: number): void {
    const first = pageOf(address);
    const last = pageOf(address + size - 1);
    for (let page = first; page <= last; page++) this.touch(page, loads, stores);
  }

  private touch(page: number, loads: number, stores: number): void {
    if (page !== this.dataPage || (stores > 0 && !this.writing)) {
      this.endRun();
      if (this.builder.full) this.flush();
      this.builder.begin(stores > 0 ? RUN_WRITE : RUN_READ, page);
      this.dataPage = page;
      this.writing = stores > 0;
    }
    this.loads += loads;
    this.stores += stores;
  }

  private endRun(): void {
    if (this.dataPage === NO_PAGE) return;
    this.builder.end(this.loads, this.stores);
    this.dataPage = NO_PAGE;
    this.loads = this.stores = 0;
  }

  private flush(): void {
    this.endRun();
    this.fetchPage = NO_PAGE;
    if (this.builder.records > 0) this.emit(this.builder.take());
  }
}
