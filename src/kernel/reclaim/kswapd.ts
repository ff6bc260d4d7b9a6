import { costs } from '../../hardware/costs.ts';
import type { PageCore } from '../core.ts';
import { watermarkOk } from '../frames/watermarks.ts';
import { KSWAPD_HIGH_WMARK_HIT_QUICKLY, KSWAPD_LOW_WMARK_HIT_QUICKLY, PAGEOUTRUN } from '../vmstat.ts';
import type { NodeShrinker } from './node.ts';
import { DEF_PRIORITY, type ScanControl, SWAP_CLUSTER_MAX, scanControl } from './scan-control.ts';
import type { Throttle } from './throttle.ts';
import { traceKswapd } from './vmscan-trace.ts';

/** kswapd gives up after this many runs without a page (MAX_RECLAIM_RETRIES), until somebody else reclaims one. */
export const MAX_RECLAIM_RETRIES = 16;
/** How long it naps before it goes to sleep, in ns: memory is often short again at once. */
const NAP_NS = 100_000_000;
/** From its wake-up until it runs, in ns: another CPU's idle loop, an assumption. */
const WAKE_NS = 5000;

const ASLEEP = 0;
const NAPPING = 1;
const RUNNING = 2;

/** What kswapd needs. */
export interface KswapdNeeds {
  readonly node: NodeShrinker;
  readonly throttle: Throttle;
  /** Whether work takes time on this machine. Without it kswapd is done as soon as it is woken. */
  readonly timed: boolean;
  /** It begins or ends to work because memory is short: pressure, as PSI counts it. @param at ns since boot */
  stall(isStalled: boolean, at: number): void;
}

/**
 * The kernel's thread that keeps memory free (kswapd in mm/vmscan.c): woken when no zone stands above its low mark, it works
 * until one stands above its high mark, naps, and goes to sleep. It runs beside the programs, on a CPU that has nothing else
 * to do: each of its rounds takes its time there, and the next one is due when it is over.
 */
export class Kswapd {
  readonly #core: PageCore;
  readonly #needs: KswapdNeeds;
  #state = ASLEEP;
  /** When its next step is due; its own time, which may be ahead of a program whose operation is not over yet. */
  #due = 0;
  #ahead = 0;
  /** Runs in a row without a page. */
  #failures = 0;
  #sc: ScanControl | undefined;
  /** Files alone were asked and gave nothing in this run. */
  #cacheTrimFailed = false;

  constructor(core: PageCore, needs: KswapdNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /** It found nothing 16 times. */
  get isHopeless(): boolean {
    return this.#failures >= MAX_RECLAIM_RETRIES;
  }

  /** Somebody has freed a page. */
  progress(): void {
    this.#failures = 0;
  }

  /** Memory is short (wakeup_kswapd). */
  wake(): void {
    if (this.#state === RUNNING || this.isHopeless || this.#isBalanced()) return;
    this.#trace('wakeup');
    if (this.#state === ASLEEP) this.#trace('wake');
    if (this.#state === NAPPING) this.#core.vmstat.count(KSWAPD_LOW_WMARK_HIT_QUICKLY);
    this.#state = RUNNING;
    this.#sc = undefined;
    // A nap that is broken off is over now, not when it was to end.
    this.#due = 0;
    this.#next(this.#needs.timed ? WAKE_NS : 0);
    this.catchUp(0);
  }

  /**
   * Lets it do what it has had time for.
   * @param passed nanoseconds that the program has worked and not put on the clock yet
   */
  catchUp(passed: number): void {
    const { now } = this.#core.clock;
    this.#ahead = Math.max(this.#ahead + passed, now);
    while (this.#state === RUNNING && this.#due <= this.#ahead) this.#step();
  }

  /** Works until memory is balanced or nothing is found, however long that takes: somebody waits for it. @returns ns */
  finish(): number {
    const since = this.#due;
    while (this.#state === RUNNING) this.#step();
    return Math.max(0, this.#due - since);
  }

  get isRunning(): boolean {
    return this.#state === RUNNING;
  }

  /** One round of balance_pgdat. */
  #step(): void {
    if (this.#sc === undefined) this.#begin();
    const sc = this.#sc as ScanControl;
    if (this.#isBalanced() || sc.priority < 1) {
      this.#end(sc);
      return;
    }
    sc.nrToReclaim = this.#wanted();
    sc.nrScanned = 0;
    const freed = this.#needs.node.shrink(sc);
    if (freed > 0) this.#failures = 0;
    else if (sc.cacheTrimMode) this.#cacheTrimFailed = true;
    // As long as a round looks at enough pages for the goal, the pressure need not grow.
    if (Math.max(sc.nrScanned, freed) < sc.nrToReclaim || freed === 0) sc.priority--;
    const time = sc.nrScanned * costs.scanPage + freed * costs.freePage;
    const pause = this.#needs.throttle.takeKswapdPause();
    this.#next(this.#needs.timed ? time + pause : 0);
  }

  #begin(): void {
    this.#core.vmstat.count(PAGEOUTRUN);
    this.#needs.stall(true, this.#due);
    this.#cacheTrimFailed = false;
    this.#sc = scanControl('kswapd', this.#wanted());
  }

  #end(sc: ScanControl): void {
    if (sc.nrReclaimed === 0 && sc.priority < 1 && !sc.noCacheTrim && this.#cacheTrimFailed) {
      sc.noCacheTrim = true;
      sc.priority = DEF_PRIORITY;
      return;
    }
    if (sc.nrReclaimed === 0 && !this.#isBalanced()) this.#failures++;
    this.#needs.node.snapshotRefaults(undefined);
    this.#needs.stall(false, this.#due);
    this.#sc = undefined;
    if (!this.#isBalanced() && !this.isHopeless) {
      // Not enough: no nap, the next run begins (the loop of kswapd_try_to_sleep).
      this.#core.vmstat.count(KSWAPD_HIGH_WMARK_HIT_QUICKLY);
      this.#next(0);
      return;
    }
    this.#needs.throttle.clear();
    this.#state = NAPPING;
    this.#next(NAP_NS);
  }

  /** The nap is over: memory is still well, or it was short meanwhile without anybody's asking. */
  #napOver(): void {
    if (this.#isBalanced() || this.isHopeless) {
      this.#state = ASLEEP;
      this.#trace('sleep');
      return;
    }
    this.#core.vmstat.count(KSWAPD_HIGH_WMARK_HIT_QUICKLY);
    this.#state = RUNNING;
    this.#next(0);
  }

  #next(after: number): void {
    const { clock } = this.#core;
    this.#due = Math.max(this.#due, this.#ahead, clock.now) + after;
    this.#arm(this.#due);
  }

  #arm(due: number): void {
    this.#core.clock.at(due, () => {
      if (this.#due !== due) return;
      if (this.#state === NAPPING) this.#napOver();
      else this.catchUp(0);
    });
  }

  #trace(what: 'wakeup' | 'wake' | 'sleep'): void {
    traceKswapd(this.#core.trace, what, this.#core.allocator.zones.length - 1);
  }

  /** Pages of one round: the high marks of all zones (kswapd_shrink_node). */
  #wanted(): number {
    return this.#core.allocator.zones.reduce((sum, zone) => sum + Math.max(zone.high, SWAP_CLUSTER_MAX), 0);
  }

  /** pgdat_balanced: some zone stands above its high mark. */
  #isBalanced(): boolean {
    const { zones } = this.#core.allocator;
    return zones.some((zone) => watermarkOk(zone, 0, zone.high, zones.length - 1));
  }

  save(): KswapdState {
    return {
      state: this.#state,
      due: this.#due,
      ahead: this.#ahead,
      failures: this.#failures,
      cacheTrimFailed: this.#cacheTrimFailed,
      run: this.#sc && { ...this.#sc, met: { ...this.#sc.met } },
    };
  }

  restore(state: KswapdState): void {
    this.#state = state.state;
    this.#due = state.due;
    this.#ahead = state.ahead;
    this.#failures = state.failures;
    this.#cacheTrimFailed = state.cacheTrimFailed;
    this.#sc = state.run && { ...state.run, met: { ...state.run.met } };
    if (this.#state !== ASLEEP) this.#arm(this.#due);
  }
}

export interface KswapdState {
  readonly state: number;
  readonly due: number;
  readonly ahead: number;
  readonly failures: number;
  readonly cacheTrimFailed: boolean;
  /** The run that it is in; kswapd works for no group. */
  readonly run: ScanControl | undefined;
}
