import * as items from './vmstat-items.ts';

export * from './vmstat-items.ts';

/** Names as /proc/vmstat prints them, by item. */
export const VMSTAT_NAMES: readonly string[] = Object.entries(items)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name.toLowerCase());

/** States rise and fall; all else are events, which only grow. */
const isState = (name: string): boolean => name.startsWith('nr_');

/**
 * The machine's counters (vm_node_stat, vm_event_states), without the kernel's per-CPU batches: what is counted is seen
 * at once. An item is one of the constants above, so counting is one addition.
 */
export class VmStat {
  readonly #values = new Float64Array(VMSTAT_NAMES.length);

  /** Adds `n`, which is negative only for the states (NR_*). */
  count(item: number, n = 1): void {
    (this.#values[item] as number) += n;
  }

  value(item: number): number {
    return this.#values[item] as number;
  }

  /** Adds the counts of another one, item by item. */
  add(other: VmStat): void {
    other.#values.forEach((value, item) => {
      (this.#values[item] as number) += value;
    });
  }

  get names(): readonly string[] {
    return VMSTAT_NAMES;
  }

  /** The events that happened since `save()`, by name, in /proc/vmstat order; states and zeros are left out. */
  eventsSince(before: Float64Array): [name: string, happened: number][] {
    const grown: [string, number][] = [];
    VMSTAT_NAMES.forEach((name, item) => {
      const happened = this.value(item) - (before[item] as number);
      if (happened !== 0 && !isState(name)) grown.push([name, happened]);
    });
    return grown;
  }

  /** All values now, by item. */
  save(): Float64Array {
    return this.#values.slice();
  }

  /** @throws RangeError when the state has another number of items: it is of another version */
  restore(state: Float64Array): void {
    if (state.length !== this.#values.length)
      throw new RangeError(`VmStat.restore: ${state.length} items, this version has ${this.#values.length}`);
    this.#values.set(state);
  }
}
