import type { PageCore } from '../core.ts';
import type { Task } from '../process/process.ts';
import { CAUSE_WRITE_THROTTLE } from '../time/clock.ts';
import { WRITEBACK_BALANCE_DIRTY_PAGES, WRITEBACK_GLOBAL_DIRTY_STATE } from '../tracepoints.ts';
import { NR_DIRTIED, NR_WRITTEN } from '../vmstat.ts';
import { type DirtyLimits, dirtyPollInterval, freerunCeiling } from './dirty-limits.ts';
import type { Flusher } from './flusher.ts';
import type { Inode } from './inode.ts';

/** MAX_PAUSE, HZ/5: nobody sleeps longer in one piece. */
const MAX_PAUSE_NS = 200e6;
/** How long a pause is meant to be, and what is too short to be worth one (wb_min_pause). */
const TARGET_PAUSE_NS = 10e6;
const MIN_PAUSE_NS = 5e6;
/** DIRTY_POLL_THRESH, 128 KiB: writers are looked at no more often. */
const POLL_PAGES = 32;

/**
 * Holds up whoever makes pages dirty faster than the disk takes them (balance_dirty_pages in mm/page-writeback.c): below
 * the middle of the two limits nobody, above it so that the dirty pages settle halfway between that and the hard limit,
 * at the hard limit everybody.
 */
export class DirtyThrottle {
  readonly #core: PageCore;
  readonly #flusher: Flusher;

  constructor(core: PageCore, flusher: Flusher) {
    this.#core = core;
    this.#flusher = flusher;
  }

  /** The task has made pages of a file dirty and holds none of them (balance_dirty_pages_ratelimited). */
  dirtied(task: Task, inode: Inode): void {
    if (task.nrDirtied >= task.nrDirtiedPause && inode.kind !== 'shmem') this.#balance(task, inode);
  }

  #balance(task: Task, inode: Inode): void {
    const { clock } = this.#core;
    const bdi = this.#flusher.bdi(inode.fs);
    for (;;) {
      const limits = this.#flusher.limits();
      this.#traceState(limits);
      if (this.#flusher.dirtyOrWriting > limits.background) this.#flusher.startBackground();
      const dirty = this.#flusher.dirtyOrWriting;
      if (dirty <= freerunCeiling(limits) || !this.#flusher.isBusy) {
        task.dirtyPausedWhen = clock.now;
        task.nrDirtied = 0;
        task.nrDirtiedPause = dirtyPollInterval(dirty, limits.hard);
        return;
      }
      const rate = bdi.writeBandwidth * positionRatio(limits, dirty);
      const period = rate === 0 ? MAX_PAUSE_NS : (task.nrDirtied * 1e9) / rate;
      const pause = Math.min(MAX_PAUSE_NS, rate === 0 ? period : period - (clock.now - task.dirtyPausedWhen));
      this.#tracePause(task, bdi.name, limits, dirty, rate, pause);
      task.nrDirtied = 0;
      task.nrDirtiedPause = Math.max(POLL_PAGES, Math.floor((rate * TARGET_PAUSE_NS) / 1e9));
      if (pause < MIN_PAUSE_NS) {
        // The disk keeps up, nearly: what was saved now is paid with the next pause.
        task.dirtyPausedWhen = pause < -1e9 ? clock.now : task.dirtyPausedWhen + period;
        return;
      }
      clock.sleep(pause, CAUSE_WRITE_THROTTLE);
      task.dirtyPausedWhen = clock.now;
      if (rate > 0) return;
    }
  }

  #traceState({ background, hard }: DirtyLimits): void {
    const { trace, vmstat } = this.#core;
    if (!trace.on) return;
    const [dirtied, written] = [vmstat.value(NR_DIRTIED), vmstat.value(NR_WRITTEN)];
    trace.emit(WRITEBACK_GLOBAL_DIRTY_STATE, 0, this.#flusher.dirty, background, hard, hard, dirtied, written);
  }

  #tracePause(task: Task, bdi: string, limits: DirtyLimits, dirty: number, rate: number, pause: number): void {
    const { trace } = this.#core;
    if (!trace.on) return;
    const setpoint = Math.floor((freerunCeiling(limits) + limits.hard) / 2);
    const kbPerSecond = Math.floor(rate * 4);
    const milliseconds = Math.max(0, Math.floor(pause / 1e6));
    trace.emit(
      WRITEBACK_BALANCE_DIRTY_PAGES,
      task.tid,
      trace.intern(bdi),
      limits.hard,
      setpoint,
      dirty,
      kbPerSecond,
      milliseconds,
    );
  }
}

/**
 * Which part of the disk's bandwidth writers get (pos_ratio_polynom): twice as much at the freerun ceiling, all of it at
 * the point halfway to the limit, nothing at the limit; flat in the middle.
 */
export function positionRatio(limits: DirtyLimits, dirty: number): number {
  const setpoint = (freerunCeiling(limits) + limits.hard) / 2;
  if (dirty >= limits.hard) return 0;
  const x = (setpoint - dirty) / (limits.hard - setpoint + 1);
  return Math.min(2, Math.max(0, 1 + x ** 3));
}
