import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { Clock } from '../time/clock.ts';
import { PsiGroup, type PsiGroupState } from './psi-group.ts';

/** What pressure is counted by. */
export interface PsiNeeds {
  readonly clock: Clock;
  /** The cgroup of the task that runs now. */
  readonly payer: () => MemCgroup;
}

/**
 * How long programs wait for memory (kernel/sched/psi.c): in reclaim, for a page of their working set that was evicted, for
 * swap. The machine runs one task at a time, and one that does not run is taken as asleep: while the one that runs waits for
 * memory nobody does anything useful, so that such time is `full` as well as `some`. kswapd's work is only `some`.
 */
export class Psi {
  readonly #needs: PsiNeeds;
  /** By cgroup, the machine's first. */
  #groups: (PsiGroup | undefined)[] = [];
  /** Waits within waits count once (task_struct's in_memstall). */
  #depth = 0;
  #since = 0;
  #kswapdSince = -1;

  constructor(needs: PsiNeeds) {
    this.#needs = needs;
  }

  /** The task that runs now begins to wait for memory (psi_memstall_enter). */
  enter(): void {
    if (this.#depth++ === 0) this.#since = this.#needs.clock.now;
  }

  /** It goes on (psi_memstall_leave). @param counts false when it turned out not to be a wait for memory */
  leave(counts = true): void {
    if (--this.#depth > 0) return;
    const { now } = this.#needs.clock;
    if (now === this.#since || !counts) return;
    for (let at: MemCgroup | undefined = this.#needs.payer(); at !== undefined; at = at.parent)
      this.#of(at.id).stalled(this.#since, now, true);
  }

  /** kswapd begins or ends to work, beside the programs. @param at nanoseconds since boot */
  kswapd(isStalled: boolean, at: number): void {
    if (isStalled) this.#kswapdSince = at;
    else if (this.#kswapdSince >= 0) {
      this.#of(0).stalled(this.#kswapdSince, at, false);
      this.#kswapdSince = -1;
    }
  }

  /** /proc/pressure/memory, and memory.pressure of a group. */
  text(group: number): string {
    const psi = this.#of(group);
    psi.update(this.#needs.clock.now);
    return `some ${psi.some.text}\nfull ${psi.full.text}\n`;
  }

  #of(group: number): PsiGroup {
    let psi = this.#groups[group];
    if (psi === undefined) {
      psi = new PsiGroup(group === 0 ? 0 : this.#needs.clock.now);
      this.#groups[group] = psi;
    }
    return psi;
  }

  save(): PsiState {
    return {
      groups: Array.from(this.#groups, (group) => group?.save()),
      depth: this.#depth,
      since: this.#since,
      kswapdSince: this.#kswapdSince,
    };
  }

  restore(state: PsiState): void {
    this.#groups = state.groups.map((saved) => {
      if (saved === undefined) return undefined;
      const group = new PsiGroup(0);
      group.restore(saved);
      return group;
    });
    this.#depth = state.depth;
    this.#since = state.since;
    this.#kswapdSince = state.kswapdSince;
  }
}

export interface PsiState {
  readonly groups: readonly (PsiGroupState | undefined)[];
  readonly depth: number;
  readonly since: number;
  readonly kswapdSince: number;
}
