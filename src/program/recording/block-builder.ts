/**
 * Makes blocks from page runs and events: the mirror image of native/pagetrace's output, for importers and tests.
 * The caller gives runs already collapsed; the builder chooses slots, writes columns and keeps the totals.
 */
import type { Block } from './block.ts';
import { ByteWriter } from './bytes.ts';
import { type RecordedEvent, writeEvent } from './events.ts';
import { ESCAPE, ESCAPE_EVENT, RUN_FETCH, type RunKind, SLOTS, slotOf } from './format.ts';

/** Records of a full block: small enough to lose little when a program is killed, large enough to compress well. */
export const RECORDS_PER_BLOCK = 1 << 18;

export class BlockBuilder {
  /** Records in the block so far. */
  records = 0;
  private readonly stream: number;
  private readonly heads = new ByteWriter(1 << 16);
  private readonly pages = new ByteWriter(1 << 14);
  private readonly counts = new ByteWriter(1 << 16);
  private readonly gaps = new ByteWriter(1 << 16);
  private readonly events = new ByteWriter();
  /** Pages that fetches [0] and data [1] remember, and the last new page of each. */
  private readonly slots = [new Float64Array(SLOTS).fill(-1), new Float64Array(SLOTS).fill(-1)] as const;
  private readonly lastNew = [0, 0];
  private sequence = 0;
  private firstInstruction = 0;
  private instructions = 0;
  private lastRecord = 0;
  private loads = 0;
  private stores = 0;

  /** @param stream number of the process (ProcessFacts.stream) */
  constructor(stream: number) {
    this.stream = stream;
  }

  get full(): boolean {
    return this.records >= RECORDS_PER_BLOCK;
  }

  /** Instructions executed by now. Call before the record that they precede, and before `take()`. */
  retire(instructions: number): void {
    this.instructions += instructions;
  }

  /** Starts a fetch run. Its instructions are those retired until the next fetch run. */
  fetch(page: number): void {
    this.head(RUN_FETCH, page);
  }

  /** Starts a data run: `kind` RUN_READ, or RUN_WRITE if it begins with a store. */
  begin(kind: 1 | 2, page: number): void {
    this.head(kind, page);
  }

  /** Ends the data run that was begun last. A run that only read has no stores. */
  end(loads: number, stores: number): void {
    this.counts.varint(loads + stores);
    this.loads += loads;
    this.stores += stores;
  }

  /** A whole data run. */
  data(kind: 1 | 2, page: number, loads: number, stores: number): void {
    this.begin(kind, page);
    this.end(loads, stores);
  }

  event(event: RecordedEvent): void {
    this.record(ESCAPE | (ESCAPE_EVENT << 2));
    writeEvent(this.events, event);
  }

  /** The block so far, as copies; the builder goes on with the next. */
  take(): Block {
    const block: Block = {
      stream: this.stream,
      sequence: this.sequence++,
      records: this.records,
      firstInstruction: this.firstInstruction,
      instructions: this.instructions,
      loads: this.loads,
      stores: this.stores,
      heads: this.heads.view().slice(),
      pages: this.pages.view().slice(),
      counts: this.counts.view().slice(),
      gaps: this.gaps.view().slice(),
      events: this.events.view().slice(),
    };
    this.firstInstruction += this.instructions;
    this.records = this.instructions = this.lastRecord = this.loads = this.stores = 0;
    for (const column of [this.heads, this.pages, this.counts, this.gaps, this.events]) column.clear();
    for (const table of this.slots) table.fill(-1);
    this.lastNew.fill(0);
    return block;
  }

  private head(kind: RunKind, page: number): void {
    const group = kind === RUN_FETCH ? 0 : 1;
    const slot = slotOf(page);
    if (this.slots[group][slot] === page) {
      this.record(kind | (slot << 2));
      return;
    }
    this.record(ESCAPE | (kind << 2));
    this.slots[group][slot] = page;
    this.pages.signed(page - (this.lastNew[group] ?? 0));
    this.lastNew[group] = page;
  }

  private record(head: number): void {
    this.heads.byte(head);
    this.gaps.varint(this.instructions - this.lastRecord);
    this.lastRecord = this.instructions;
    this.records++;
  }
}
