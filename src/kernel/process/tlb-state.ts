/**
 * Which address space each CPU has loaded and which it still remembers (arch/x86/mm/tlb.c). Each CPU keeps the
 * translations of its six most recent address spaces apart by PCID; an address space that changed while it was not
 * loaded is flushed when it comes back, by comparing generations.
 */
import type { Cpu } from '../../hardware/cpu.ts';
import { SHOOTDOWNS } from '../../hardware/tlb/counters.ts';
import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { TlbFlush } from '../page-table/tlb-flush.ts';
import { panic } from '../panic.ts';
import {
  type EventLog,
  TLB_FLUSH_ON_TASK_SWITCH,
  TLB_LOCAL_MM_SHOOTDOWN,
  TLB_REMOTE_SHOOTDOWN,
  TLB_TLB_FLUSH,
} from '../tracepoints.ts';

/** TLB_NR_DYN_ASIDS. */
const ASIDS = 6;
/** tlb_single_page_flush_ceiling: from more pages on, everything goes. */
const SINGLE_PAGE_FLUSH_CEILING = 33;

interface CpuContext {
  /** mm of each PCID slot, 0 for none. */
  readonly mmIds: Int32Array;
  /** Generation of that mm which the slot's translations are true to. */
  readonly generations: Float64Array;
  /** Slot in use, -1 before the first address space. */
  loaded: number;
  nextSlot: number;
}

export class TlbState implements TlbFlush {
  readonly #cpus: readonly Cpu[];
  readonly #trace: EventLog;
  readonly #contexts: CpuContext[];
  /** How often the entries of an mm changed, by its id. */
  readonly #generations = new Map<number, number>();
  /** The CPU that runs now: flushing another one costs an interrupt. */
  current = 0;
  /** Flushes that another CPU had to be interrupted for. */
  shootdowns = 0;

  constructor(cpus: readonly Cpu[], trace: EventLog) {
    this.#cpus = cpus;
    this.#trace = trace;
    this.#contexts = cpus.map(() => ({
      mmIds: new Int32Array(ASIDS),
      generations: new Float64Array(ASIDS),
      loaded: -1,
      nextSlot: 0,
    }));
  }

  /** Loads an address space on a CPU (switch_mm_irqs_off); nothing happens when it is loaded already. */
  switchMm(cpu: number, mm: Mm): void {
    this.current = cpu;
    const context = this.#contexts[cpu] ?? panic(`switch_mm: no CPU ${cpu}`);
    const generation = this.#generations.get(mm.id) ?? 0;
    if (context.loaded >= 0 && context.mmIds[context.loaded] === mm.id) {
      this.#trace.mm = mm.id;
      return;
    }
    let slot = context.mmIds.indexOf(mm.id);
    const fresh = slot >= 0 && context.generations[slot] === generation;
    if (slot < 0) {
      slot = context.nextSlot;
      context.nextSlot = (slot + 1) % ASIDS;
    }
    context.mmIds[slot] = mm.id;
    context.generations[slot] = generation;
    context.loaded = slot;
    mm.cpuMask |= 1 << cpu;
    (this.#cpus[cpu] as Cpu).switchTo(mm.pgd, slot + 1, fresh);
    this.#trace.mm = mm.id;
    this.#traceFlush(TLB_FLUSH_ON_TASK_SWITCH, fresh ? 0 : -1);
  }

  flushRange(mm: Mm, start: Vpn, end: Vpn): void {
    const pages = end - start > SINGLE_PAGE_FLUSH_CEILING ? -1 : end - start;
    this.#flush(mm, start, pages);
  }

  flushMm(mm: Mm): void {
    this.#flush(mm, vpn(0), -1);
  }

  /** The address space is gone: its slots may be given to others. */
  forget(mm: Mm): void {
    this.#generations.delete(mm.id);
    for (const context of this.#contexts) {
      const slot = context.mmIds.indexOf(mm.id);
      if (slot < 0) continue;
      context.mmIds[slot] = 0;
      if (context.loaded === slot) context.loaded = -1;
    }
  }

  /** @param pages how many pages from `start` on, or -1 for all */
  #flush(mm: Mm, start: Vpn, pages: number): void {
    if (mm.cpuMask === 0) return;
    const generation = (this.#generations.get(mm.id) ?? 0) + 1;
    this.#generations.set(mm.id, generation);
    for (let cpu = 0; cpu < this.#cpus.length; cpu++) {
      const context = this.#contexts[cpu] as CpuContext;
      // An address space that is not loaded here is flushed when it comes back: its generation is behind.
      if (context.loaded < 0 || context.mmIds[context.loaded] !== mm.id) continue;
      context.generations[context.loaded] = generation;
      this.#flushOn(cpu, context.loaded + 1, start, pages);
    }
  }

  #flushOn(cpu: number, pcid: number, start: Vpn, pages: number): void {
    const hardware = this.#cpus[cpu] as Cpu;
    if (cpu !== this.current) {
      this.shootdowns++;
      hardware.counters.values[SHOOTDOWNS]++;
      this.#traceFlush(TLB_REMOTE_SHOOTDOWN, pages);
    } else this.#traceFlush(TLB_LOCAL_MM_SHOOTDOWN, pages);
    if (pages < 0) hardware.flushPcid(pcid);
    else for (let i = 0; i < pages; i++) hardware.invlpg(vpn(start + i), pcid);
  }

  /** @param pages -1 for all (TLB_FLUSH_ALL) */
  #traceFlush(reason: number, pages: number): void {
    if (this.#trace.on) this.#trace.emit(TLB_TLB_FLUSH, this.#trace.pid, reason, pages);
  }

  save(): TlbStateState {
    return {
      current: this.current,
      generations: [...this.#generations],
      contexts: this.#contexts.map((c) => ({ ...c, mmIds: c.mmIds.slice(), generations: c.generations.slice() })),
    };
  }

  restore(state: TlbStateState): void {
    this.current = state.current;
    this.#generations.clear();
    for (const [id, generation] of state.generations) this.#generations.set(id, generation);
    state.contexts.forEach((saved, cpu) => {
      const context = this.#contexts[cpu] as CpuContext;
      context.mmIds.set(saved.mmIds);
      context.generations.set(saved.generations);
      context.loaded = saved.loaded;
      context.nextSlot = saved.nextSlot;
    });
  }
}

export interface TlbStateState {
  readonly current: number;
  readonly generations: readonly (readonly [number, number])[];
  readonly contexts: readonly {
    readonly mmIds: Int32Array;
    readonly generations: Float64Array;
    readonly loaded: number;
    readonly nextSlot: number;
  }[];
}
