import type { Vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';

/** Keeping TLBs true to the page tables (arch/x86/mm/tlb.c); the processors' side is in `kernel/process/tlb-state.ts`. */
export interface TlbFlush {
  /** The CPU that runs now. */
  readonly current: number;
  /** Entries of a range of pages changed: no CPU may use what it remembers of them (flush_tlb_mm_range). */
  flushRange(mm: Mm, start: Vpn, end: Vpn): void;
  /** Every entry of the address space may have changed (flush_tlb_mm). */
  flushMm(mm: Mm): void;
}
