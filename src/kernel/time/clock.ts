/** Why simulated time passed; the index of `Clock.spent`. */
export const CAUSES = [
  'instructions',
  'tlb',
  'page walk',
  'minor fault',
  'major fault',
  'system call',
  'copy',
  'disk',
  'shootdown',
  'idle',
] as const;
export type Cause = number;
export const CAUSE_INSTRUCTIONS = 0;
export const CAUSE_TLB = 1;
export const CAUSE_WALK = 2;
export const CAUSE_MINOR_FAULT = 3;
export const CAUSE_MAJOR_FAULT = 4;
export const CAUSE_SYSCALL = 5;
export const CAUSE_COPY = 6;
export const CAUSE_DISK = 7;
export const CAUSE_SHOOTDOWN = 8;
export const CAUSE_IDLE = 9;

/** Simulated time. It moves only when something costs time; background work is due at instants of it. */
export interface Clock {
  /** Nanoseconds since boot. */
  readonly now: number;
  /** Lets time pass for a cause. */
  spend(ns: number, cause: Cause): void;
}
