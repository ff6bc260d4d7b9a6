import type { Pfn } from '../../hardware/units.ts';
import type { FrameAllocator } from '../frames/allocator.ts';
import { type FrameTable, PG_RESERVED } from '../frames/frame-table.ts';
import { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE } from '../frames/zone.ts';
import { type EventLog, KMEM_MM_PAGE_ALLOC, KMEM_MM_PAGE_FREE } from '../tracepoints.ts';
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE, type VmStat } from '../vmstat.ts';

/** What a slab asks for: GFP_KERNEL, __GFP_COMP, __GFP_NOWARN and __GFP_NORETRY, as a trace shows it. */
const GFP_SLAB = 0x52cc0;

/** One kind of kernel object, as a line of /proc/slabinfo describes it. */
export interface SlabKind {
  readonly name: string;
  /** Bytes of an object. */
  readonly objectSize: number;
  /** Objects in a slab, and the slab's order in pages. */
  readonly perSlab: number;
  readonly order: number;
  /** A shrinker can free its objects (SLAB_RECLAIM_ACCOUNT). */
  readonly reclaimable: boolean;
}

/** The kinds that the machine has, with the numbers of 6.18's /proc/slabinfo on x86-64. */
export const DENTRY: SlabKind = { name: 'dentry', objectSize: 192, perSlab: 21, order: 0, reclaimable: true };
export const EXT4_INODE: SlabKind = {
  name: 'ext4_inode_cache',
  objectSize: 1128,
  perSlab: 14,
  order: 2,
  reclaimable: true,
};
export const RADIX_NODE: SlabKind = {
  name: 'radix_tree_node',
  objectSize: 584,
  perSlab: 14,
  order: 1,
  reclaimable: true,
};
export const FILP: SlabKind = { name: 'filp', objectSize: 192, perSlab: 21, order: 0, reclaimable: false };
export const VMA: SlabKind = { name: 'vm_area_struct', objectSize: 192, perSlab: 21, order: 0, reclaimable: false };

/** What slabs are made of. */
export interface SlabMemory {
  readonly table: FrameTable;
  readonly allocator: FrameAllocator;
  readonly vmstat: VmStat;
  readonly trace: EventLog;
}

/**
 * The frames of one kind of object (struct kmem_cache): as many slabs as its objects need when they lie close together. The
 * kernel's lie apart once some were freed, and keep more.
 */
export class SlabCache {
  readonly kind: SlabKind;
  readonly #memory: SlabMemory;
  /** Objects in use. */
  objects = 0;
  /** First frames of the slabs. */
  #slabs: Pfn[] = [];

  constructor(kind: SlabKind, memory: SlabMemory) {
    this.kind = kind;
    this.#memory = memory;
  }

  get slabs(): number {
    return this.#slabs.length;
  }

  /** An object more. Without a frame for its slab it has none, and the next one tries again: nobody waits for memory here. */
  allocate(): void {
    this.objects++;
    const { order, reclaimable, perSlab } = this.kind;
    if (this.objects <= this.#slabs.length * perSlab) return;
    const { allocator, table, trace } = this.#memory;
    const type = reclaimable ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE;
    const frame = allocator.allocate(order, type);
    if (frame < 0) return;
    if (trace.on) trace.emit(KMEM_MM_PAGE_ALLOC, trace.pid, frame, order, GFP_SLAB, type);
    for (let i = 0; i < 1 << order; i++) table.flags[frame + i] = PG_RESERVED;
    this.#slabs.push(frame as Pfn);
    this.#count(1);
  }

  /** An object less. @returns pages that are free now */
  free(): number {
    this.objects--;
    const { order, perSlab } = this.kind;
    if (this.#slabs.length === 0 || this.objects > (this.#slabs.length - 1) * perSlab) return 0;
    const frame = this.#slabs.pop() as Pfn;
    const { allocator, table, trace } = this.#memory;
    if (trace.on) trace.emit(KMEM_MM_PAGE_FREE, trace.pid, frame, order);
    for (let i = 0; i < 1 << order; i++) table.flags[frame + i] = 0;
    allocator.release(frame, order);
    this.#count(-1);
    return 1 << order;
  }

  #count(change: 1 | -1): void {
    const { reclaimable, order } = this.kind;
    this.#memory.vmstat.count(reclaimable ? NR_SLAB_RECLAIMABLE : NR_SLAB_UNRECLAIMABLE, change * (1 << order));
  }

  save(): SlabCacheState {
    return { objects: this.objects, slabs: Int32Array.from(this.#slabs) };
  }

  /** The frames are in the frame table already. */
  restore(state: SlabCacheState): void {
    this.objects = state.objects;
    this.#slabs = Array.from(state.slabs, (frame) => frame as Pfn);
  }
}

export interface SlabCacheState {
  readonly objects: number;
  readonly slabs: Int32Array;
}
