import { PAGE_SIZE } from '../../hardware/units.ts';
import { memorySwapBacking, type SwapBacking } from './swap-backing.ts';
import { SwapClusters, type SwapClustersState } from './swap-clusters.ts';
import type { SwapDevice } from './swap-devices.ts';
import { DEFAULT_COMPRESSION, Zram, type ZramState } from './zram.ts';
import type { FrameSource } from './zsmalloc.ts';

/** A swap area (struct swap_info_struct): which slots are used, by how many, and what is in them. */
export class SwapArea {
  readonly number: number;
  /** As /proc/swaps shows it. */
  readonly path: string;
  readonly device: SwapDevice;
  /** Slots in all; slot 0 is the header and never used. */
  readonly slots: number;
  /** The best is used first; a negative one was given by the kernel, and rises when a better such area goes. */
  priority: number;
  /** How many entries of page tables and of memory files refer to a slot (swap_map). */
  readonly references: Uint16Array;
  /** The frame in the swap cache, 0 for none. */
  readonly cached: Int32Array;
  /** When the page in a slot was evicted, as mm/workingset.c remembers it; 0 for never. */
  readonly shadow: Int32Array;
  /** Slots of pages that were all zeros: nothing was written for them (zeromap). */
  readonly zero: Uint8Array;
  /** Memory cgroup that pays for a slot, 0 for none. */
  readonly owner: Uint16Array;
  readonly clusters: SwapClusters;
  /** Where the bytes of written slots are, on a machine that keeps contents. */
  backing: SwapBacking;
  /** What a compressed device keeps of its pages. */
  readonly zram: Zram | undefined;
  readonly compression: number;
  /** Free clusters are told to the device as they become free (SWP_PAGE_DISCARD). */
  readonly discard: boolean;
  used = 0;

  /**
   * @param reclaim see SwapClusters
   * @param frames where a compressed device gets its memory
   */
  constructor(init: SwapAreaInit, reclaim: (slot: number) => boolean, frames: FrameSource) {
    const { number, path, device, slots, priority, discard, backing } = init;
    this.path = path;
    this.compression = init.compression ?? DEFAULT_COMPRESSION;
    this.zram = device.compressed ? new Zram(slots, this.compression, frames) : undefined;
    this.number = number;
    this.device = device;
    this.slots = slots;
    this.priority = priority;
    this.references = new Uint16Array(slots);
    this.cached = new Int32Array(slots);
    this.shadow = new Int32Array(slots);
    this.zero = new Uint8Array(slots);
    this.owner = new Uint16Array(slots);
    this.backing = backing ?? memorySwapBacking();
    this.discard = discard ?? false;
    this.clusters = new SwapClusters(this, slots, this.discard, reclaim);
  }

  /** Slots that pages can use. */
  get usable(): number {
    return this.slots - 1;
  }

  /** Kilobytes that swapon shows. */
  get kilobytes(): number {
    return (this.usable * PAGE_SIZE) / 1024;
  }

  /** A slot that neither an entry nor the swap cache refers to is free again (swap_entries_free). @returns whether it is */
  releaseIfUnused(slot: number): boolean {
    if (this.references[slot] !== 0 || this.cached[slot] !== 0) return false;
    this.used--;
    this.zero[slot] = 0;
    this.shadow[slot] = 0;
    this.zram?.free(slot);
    this.backing.free(slot);
    this.clusters.release(slot);
    return true;
  }

  /**
   * Writes a page.
   * @param bytes undefined on a machine without contents
   * @returns false when the device could not
   */
  write(slot: number, bytes: Uint8Array | undefined): boolean {
    if (this.zram !== undefined && !this.zram.write(slot, bytes)) return false;
    return bytes === undefined || this.backing.write(slot, bytes);
  }

  save(): SwapAreaState {
    return {
      number: this.number,
      path: this.path,
      compression: this.compression,
      zram: this.zram?.save(),
      slots: this.slots,
      priority: this.priority,
      discard: this.discard,
      used: this.used,
      references: this.references.slice(),
      cached: this.cached.slice(),
      shadow: this.shadow.slice(),
      zero: this.zero.slice(),
      owner: this.owner.slice(),
      clusters: this.clusters.save(),
      contents: this.#writtenSlots(),
    };
  }

  /** The bytes of a snapshot come to lie in memory, wherever they were before. */
  restore(state: SwapAreaState): void {
    this.used = state.used;
    this.references.set(state.references);
    this.cached.set(state.cached);
    this.shadow.set(state.shadow);
    this.zero.set(state.zero);
    this.owner.set(state.owner);
    this.clusters.restore(state.clusters);
    if (state.zram !== undefined) this.zram?.restore(state.zram);
    this.backing = memorySwapBacking();
    for (const [slot, bytes] of state.contents) this.backing.write(slot, bytes);
  }

  #writtenSlots(): [slot: number, bytes: Uint8Array][] {
    const written: [number, Uint8Array][] = [];
    for (let slot = 1; slot < this.slots; slot++) {
      if ((this.references[slot] === 0 && this.cached[slot] === 0) || this.zero[slot] !== 0) continue;
      const bytes = new Uint8Array(PAGE_SIZE);
      if (this.backing.read(slot, bytes)) written.push([slot, bytes]);
    }
    return written;
  }
}

/** What a new area is told. */
export interface SwapAreaInit {
  readonly number: number;
  readonly path: string;
  readonly device: SwapDevice;
  readonly slots: number;
  readonly priority: number;
  readonly discard?: boolean | undefined;
  readonly backing?: SwapBacking | undefined;
  /** How many times smaller a compressed device makes a page. */
  readonly compression?: number | undefined;
}

export interface SwapAreaState {
  readonly number: number;
  readonly path: string;
  readonly compression: number;
  readonly zram: ZramState | undefined;
  readonly slots: number;
  readonly priority: number;
  readonly discard: boolean;
  readonly used: number;
  readonly references: Uint16Array;
  readonly cached: Int32Array;
  readonly shadow: Int32Array;
  readonly zero: Uint8Array;
  readonly owner: Uint16Array;
  readonly clusters: SwapClustersState;
  readonly contents: readonly (readonly [slot: number, bytes: Uint8Array])[];
}
