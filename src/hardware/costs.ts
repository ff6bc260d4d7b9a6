/**
 * What things cost in simulated time, in nanoseconds, on one core at 3 GHz with DDR4 memory. The replay and the kernel spend
 * these; nothing else moves the clock but disks (block-device.ts) and idleness.
 *
 * They are round numbers for a server without virtualisation: good for comparing runs, not for predicting one to
 * the percent. Measured: on an EPYC of Zen 3 with pointer chains; there, under a hypervisor, walks and faults
 * cost several times more, because every step of the guest's walk is itself walked (AMD APM vol. 2, 15.25).
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
}

export const costs: CostTable = {
  // 2 instructions a cycle at 3 GHz: an ordinary program's average, assumed.
  instruction: 0.17,
  // Measured: 11 cycles against 4.
  l2TlbHit: 2.3,
  // An entry in the L2 or L3 cache: 14 to 50 cycles. All four from memory would be 100 ns each, which is rare: 64 pages share
  // an entry's line. Textbooks' 30 ns for a walk of four steps are this number.
  walkStep: 7.5,
  // About 100 to 200 cycles: Agner Fog, instruction tables.
  invlpg: 60,
  // CR3 write or INVPCID: a few hundred cycles (same).
  tlbFlush: 150,
  // 1 to 4 microseconds for tens of CPUs (Amit, Optimizing the TLB Shootdown Algorithm, USENIX ATC 2017); one CPU here.
  shootdown: 1200,
  // About 0.1 microseconds with mitigations in silicon: getppid by lmbench on recent servers.
  systemCall: 120,
  // 1 to 2 microseconds by lmbench lat_ctx; without cold caches.
  contextSwitch: 1300,
  // 0.5 microseconds for the whole anonymous fault without virtualisation (lmbench lat_pagefault class), less the clearing.
  minorFault: 450,
  // Measured: 0.12 to 0.21 microseconds a page of mapped cached files, of which 1/16 of a fault.
  faultAroundPage: 60,
  // Delivery by a frame on the user stack and sigreturn: lmbench lat_sig.
  signal: 900,
  // Measured: 96 to 141 microseconds for a cold fault on a device that answers in 80 to 100.
  majorFault: 5000,
  // 4096 bytes at 40 bytes per nanosecond of the cleared lines (REP STOSB), and at 20 for a copy.
  pageClear: 100,
  pageCopy: 200,
};
