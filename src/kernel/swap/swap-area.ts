import { PAGE_SIZE } from '../../hardware/units.ts';

/** What a swap device is like (the block device's queue limits that mm/swapfile.c looks at). */
export interface SwapDevice {
  readonly name: string;
  /** Partition or file, as /proc/swaps says. */
  readonly kind: 'partition' | 'file';
  /** Reads and writes are done when the call returns: zram, pmem (SWP_SYNCHRONOUS_IO). */
  readonly synchronous: boolean;
  /** A disk with a head to move: neighbours on the disk are read ahead rather than neighbours in memory. */
  readonly rotational: boolean;
}

/** A swap area (struct swap_info_struct): which slots are used, by how many, and what is in them. */
export class SwapArea {
  readonly number: number;
  readonly device: SwapDevice;
  readonly priority: number;
  /** Slots in all; slot 0 is the header and never used. */
  readonly slots: number;
  /** How many page-table entries refer to a slot (swap_map). */
  readonly references: Uint16Array;
  /** The frame in the swap cache, 0 for none. */
  readonly cached: Int32Array;
  /** Slots of pages that were all zeros: nothing was written for them (zeromap). */
  readonly zero: Uint8Array;
  /** Memory cgroup that a slot's page belongs to, 0 for none. */
  readonly owner: Uint16Array;
  /** Bytes of written slots, on a machine that keeps contents. */
  readonly #contents = new Map<number, Uint8Array>();
  used = 0;
  #next = 1;

  constructor(number: number, device: SwapDevice, slots: number, priority: number) {
    this.number = number;
    this.device = device;
    this.slots = slots;
    this.priority = priority;
    this.references = new Uint16Array(slots);
    this.cached = new Int32Array(slots);
    this.zero = new Uint8Array(slots);
    this.owner = new Uint16Array(slots);
  }

  /** Slots that pages can use. */
  get usable(): number {
    return this.slots - 1;
  }

  /** A free slot, the next one behind the last that was given (cluster by cluster), or 0 when all are used. */
  take(): number {
    for (let tries = 1; tries < this.slots; tries++) {
      const slot = this.#next;
      this.#next = slot + 1 === this.slots ? 1 : slot + 1;
      if (this.references[slot] === 0 && this.cached[slot] === 0) {
        this.used++;
        return slot;
      }
    }
    return 0;
  }

  /** A slot that neither an entry nor the swap cache refers to is free again (swap_entries_free). @returns whether it is */
  releaseIfUnused(slot: number): boolean {
    if (this.references[slot] !== 0 || this.cached[slot] !== 0) return false;
    this.used--;
    this.zero[slot] = 0;
    this.#contents.delete(slot);
    return true;
  }

  /** Keeps a page's bytes. */
  store(slot: number, bytes: Uint8Array): void {
    this.#contents.set(slot, bytes.slice());
  }

  /** Puts the bytes of a slot into a page; a slot of zeros leaves it as it is. */
  load(slot: number, into: Uint8Array): void {
    const bytes = this.#contents.get(slot);
    if (bytes !== undefined) into.set(bytes);
  }

  /** Kilobytes that swapon shows. */
  get kilobytes(): number {
    return (this.usable * PAGE_SIZE) / 1024;
  }

  save(): SwapAreaState {
    return {
      number: this.number,
      slots: this.slots,
      priority: this.priority,
      used: this.used,
      next: this.#next,
      references: this.references.slice(),
      cached: this.cached.slice(),
      zero: this.zero.slice(),
      owner: this.owner.slice(),
      contents: [...this.#contents].map(([slot, bytes]) => [slot, bytes.slice()]),
    };
  }

  restore(state: SwapAreaState): void {
    this.used = state.used;
    this.#next = state.next;
    this.references.set(state.references);
    this.cached.set(state.cached);
    this.zero.set(state.zero);
    this.owner.set(state.owner);
    this.#contents.clear();
    for (const [slot, bytes] of state.contents) this.#contents.set(slot, bytes.slice());
  }
}

export interface SwapAreaState {
  readonly number: number;
  readonly slots: number;
  readonly priority: number;
  readonly used: number;
  readonly next: number;
  readonly references: Uint16Array;
  readonly cached: Int32Array;
  readonly zero: Uint8Array;
  readonly owner: Uint16Array;
  readonly contents: readonly (readonly [slot: number, bytes: Uint8Array])[];
}
