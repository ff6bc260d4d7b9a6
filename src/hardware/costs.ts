/**
 * What things cost in simulated time, in nanoseconds, on one core at 3 GHz with DDR4 memory. The replay and the kernel spend
 * these; nothing else moves the clock but disks (block-device.ts) and idleness.
 *
 * They are round numbers for a server without virtualisation: good for comparing runs, not for predicting one to
 * the percent. "Measured" means on an EPYC of Zen 3 under a hypervisor, where walks (130 to 600 ns) and anonymous faults
 * (13 to 15 microseconds) cost several times what they cost here, because every step of a guest's walk is itself
 * walked (AMD APM vol. 2, 15.25). "Assumed" is a common order of magnitude without a source.
 */
export interface CostTable {
  /** An instruction that hits every cache. */
  readonly instruction: number;
  /** What a hit in the L2 TLB costs more than one in L1. */
  readonly l2TlbHit: number;
  /** One entry read by a page walk. */
  readonly walkStep: number;
  /** INVLPG, or INVPCID of one address. */
  readonly invlpg: number;
  /** A flush of a whole address space's translations, without the misses that follow. */
  readonly tlbFlush: number;
  /** The interrupt that makes another CPU flush, until it has answered. */
  readonly shootdown: number;
  /** A system call's way in and out. */
  readonly systemCall: number;
  /** What read(2) and write(2) do besides: descriptor, position, look into the page cache, marks; without the copy. */
  readonly fileCall: number;
  /** From one task to another, without the TLB's misses. */
  readonly contextSwitch: number;
  /** Exception, find the VMA, allocate, fill in the entry, return; without clearing or copying a page. */
  readonly minorFault: number;
  /** Each further page that fault-around maps. */
  readonly faultAroundPage: number;
  /** A minor fault that ends in a signal. */
  readonly signal: number;
  /** What the CPU does for a major fault, over a minor one and the device's time: submit, sleep, wake up. */
  readonly majorFault: number;
  readonly pageClear: number;
  readonly pageCopy: number;
  /** Reclaim looks at a page: take it off its list, find its mappings, test and clear their accessed bits. */
  readonly scanPage: number;
  /** Reclaim frees a page: unmap it, take it out of the cache, give it back; without its writing. */
  readonly freePage: number;
}

export const costs: CostTable = {
  // 2 instructions a cycle at 3 GHz: an ordinary program's average, assumed.
  instruction: 0.17,
  // Measured: 11 cycles against 4.
  l2TlbHit: 2.3,
  // An entry in the L2 or L3 cache: 14 to 50 cycles. All four from memory would be 100 ns each, which is rare: 64 pages share
  // an entry's line. Textbooks' 30 ns for a walk of four steps are this number.
  walkStep: 7.5,
  // Assumed: 180 cycles; it is microcoded and serialising.
  invlpg: 60,
  // Assumed: a CR3 write or INVPCID takes a few hundred cycles.
  tlbFlush: 150,
  // Published: microseconds, more with each CPU (Amit, Optimizing the TLB Shootdown Algorithm, USENIX ATC 2017). For one CPU.
  shootdown: 1200,
  // Assumed: a null system call on a server whose mitigations are in silicon.
  systemCall: 120,
  // Measured: pread of one cached byte takes 550 more than getppid in the guest. A read of 4 KiB is 0.6 microseconds with this.
  fileCall: 300,
  // Assumed: 1 to 2 microseconds are usual, without what cold caches cost afterwards.
  contextSwitch: 1300,
  // Assumed: an anonymous fault takes half a microsecond to one without virtualisation, the page's clearing included.
  minorFault: 450,
  // Measured: a page of a mapped, cached file costs 0.12 to 0.21 microseconds, a sixteenth of a fault included.
  faultAroundPage: 60,
  // Assumed: a frame on the user stack, the handler's call, and sigreturn.
  signal: 900,
  // Measured: 96 to 141 microseconds for a cold fault on a device that answers in 80 to 100.
  majorFault: 5000,
  // Assumed: 40 bytes a nanosecond are cleared and 20 copied, mostly in the caches.
  pageClear: 100,
  pageCopy: 200,
  // Assumed: reclaim of clean file pages runs at about 2 million pages a second on one CPU.
  scanPage: 150,
  freePage: 350,
};
