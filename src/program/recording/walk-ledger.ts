import type { Cpu } from '../../hardware/cpu.ts';
import { WALKS } from '../../hardware/tlb/counters.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Mm } from '../../kernel/address-space/mm.ts';
import type { Vma } from '../../kernel/address-space/vma.ts';
import { mappingName } from './fault-ledger.ts';

export interface WalkCounts {
  walks: number;
  faults: number;
}

const HUGE_PAGES = 512;
const MIB = 2 ** 20;

/** Anonymous memory by its size, in whole 2 MiB, however it is backed; all else by its name. */
function placeName(mm: Mm, vma: Vma): string {
  const name = vma.file?.inode.huge === undefined ? mappingName(mm, vma) : '[anon]';
  if (name !== '[anon]') return name;
  if (vma.pages < HUGE_PAGES) return '[anon] below 2 MiB';
  const mib = (Math.ceil(vma.pages / HUGE_PAGES) * HUGE_PAGES * PAGE_SIZE) / MIB;
  return `[anon] of ${mib} MiB`;
}

/** Page walks by what they were made for: which mapping's huge pages would save how many. */
export class WalkLedger {
  readonly #counts = new Map<string, WalkCounts>();
  /** Walks of each CPU that were booked. */
  readonly #booked: number[] = [];

  /** Books the walks of a CPU since the last call to the mapping of a page. */
  count(mm: Mm, page: number, cpu: Cpu): void {
    const walks = cpu.counters.values[WALKS] as number;
    const since = walks - (this.#booked[cpu.id] ?? 0);
    if (since === 0) return;
    this.#booked[cpu.id] = walks;
    this.#of(mm, page).walks += since;
  }

  fault(mm: Mm, page: number): void {
    this.#of(mm, page).faults++;
  }

  #of(mm: Mm, page: number): WalkCounts {
    const vma = mm.vmas.lookup(page);
    const name = vma === undefined ? '[unmapped]' : placeName(mm, vma);
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = { walks: 0, faults: 0 };
      this.#counts.set(name, counts);
    }
    return counts;
  }

  /** Most walks first. */
  get rows(): [mapping: string, counts: WalkCounts][] {
    return [...this.#counts].sort(([a, x], [b, y]) => y.walks - x.walks || (a < b ? -1 : 1));
  }

  save(): WalkLedgerState {
    return { counts: structuredClone([...this.#counts]), booked: [...this.#booked] };
  }

  restore(state: WalkLedgerState): void {
    this.#counts.clear();
    for (const [name, counts] of state.counts) this.#counts.set(name, { ...counts });
    this.#booked.splice(0, this.#booked.length, ...state.booked);
  }
}

export interface WalkLedgerState {
  readonly counts: readonly (readonly [string, WalkCounts])[];
  readonly booked: readonly number[];
}
