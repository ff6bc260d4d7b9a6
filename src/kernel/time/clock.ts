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
  'write throttle',
  'context switch',
  'reclaim',
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
/** A writer was held up because too much was dirty. */
export const CAUSE_WRITE_THROTTLE = 10;
/** From one task to another on a CPU; the TLB misses that follow count as such. */
export const CAUSE_CONTEXT_SWITCH = 11;
/** Whoever asked for memory had to free some first (direct reclaim), or was held up while others did. */
export const CAUSE_RECLAIM = 12;

/** Simulated time. It moves only when something costs time; background work is due at instants of it. */
export interface Clock {
  /** Nanoseconds since boot. */
  readonly now: number;
  /** Nanoseconds by cause (CAUSE_*). */
  readonly spent: Float64Array;
  /** Lets time pass for a cause. */
  spend(ns: number, cause: Cause): void;
}

/** A clock at which work can be put for later. */
export interface Timers extends Clock {
  /** Has work run when its time has come: at the next `settle`, or on the way when a task sleeps. */
  at(due: number, run: () => void): void;
  /** Runs what has become due. Called between two operations, when nobody holds a page in his hands. */
  settle(): void;
  /** The task that runs now sleeps: what becomes due meanwhile is run. */
  sleep(ns: number, cause: Cause): void;
}
