/** Giving mappings their anon_vma, at the first anonymous page, at a split and at fork (mm/rmap.c). */
import { VM_ACCESS_FLAGS } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import { AnonVma } from './anon-vma.ts';

/** All anon_vmas of the machine, by number: a frame's `mapping` column holds the number, negated. */
export class AnonVmas {
  readonly #byId = new Map<number, AnonVma>();
  #lastId = 0;

  /** @returns the anon_vma of a number, undefined when no mapping of it is left */
  get(id: number): AnonVma | undefined {
    return this.#byId.get(id);
  }

  get count(): number {
    return this.#byId.size;
  }

  /**
   * Makes sure that a mapping has an anon_vma (__anon_vma_prepare): a neighbour's if the two could be one mapping but
   * for their permissions, so that they can merge later, else a new one.
   */
  prepare(vma: Vma): AnonVma {
    if (vma.anonVma !== undefined) return vma.anonVma;
    const anonVma = this.#neighbours(vma) ?? this.#create();
    anonVma.active++;
    vma.anonVma = anonVma;
    link(vma, anonVma);
    return anonVma;
  }

  /** find_mergeable_anon_vma: the mapping behind is asked first. */
  #neighbours(vma: Vma): AnonVma | undefined {
    const { vmas } = vma.mm;
    const next = vmas.next(vma);
    const after = next && reusable(next, vma, next);
    if (after !== undefined) return after;
    const prev = vmas.prev(vma);
    return prev && reusable(prev, prev, vma);
  }

  #create(parent?: AnonVma): AnonVma {
    const anonVma = new AnonVma(++this.#lastId, parent);
    this.#byId.set(anonVma.id, anonVma);
    return anonVma;
  }

  /**
   * Links a copy of a mapping into all anon_vmas of the original (anon_vma_clone). At a fork `to.anonVma` is empty and
   * an anon_vma that no mapping uses any more, with one child at most, may become the copy's own.
   */
  clone(from: Vma, to: Vma): void {
    for (const anonVma of from.anonVmaChain) {
      link(to, anonVma);
      if (to.anonVma === undefined && from.anonVma !== undefined && anonVma.children < 2 && anonVma.active === 0)
        to.anonVma = anonVma;
    }
    if (to.anonVma !== undefined) to.anonVma.active++;
  }

  /** The child's mapping at a fork gets an anon_vma of its own below the parent's (anon_vma_fork). */
  fork(from: Vma, to: Vma): void {
    const parent = from.anonVma;
    if (parent === undefined) return;
    to.anonVma = undefined;
    this.clone(from, to);
    if (to.anonVma !== undefined) return;
    const own = this.#create(parent);
    parent.children++;
    own.active = 1;
    to.anonVma = own;
    link(to, own);
  }

  /** A mapping goes (unlink_anon_vmas): anon_vmas without mappings and without children go with it. */
  unlink(vma: Vma): void {
    if (vma.anonVma !== undefined) vma.anonVma.active--;
    for (const anonVma of vma.anonVmaChain) {
      anonVma.vmas.delete(vma);
      this.#releaseIfUnused(anonVma);
    }
    vma.anonVmaChain = [];
    vma.anonVma = undefined;
  }

  #releaseIfUnused(anonVma: AnonVma): void {
    if (anonVma.vmas.size > 0 || anonVma.children > 0 || !this.#byId.delete(anonVma.id)) return;
    if (anonVma.parent === anonVma) return;
    anonVma.parent.children--;
    this.#releaseIfUnused(anonVma.parent);
  }

  /** Every living anon_vma and the last number given, for a snapshot. */
  save(): AnonVmasState {
    const nodes = [...this.#byId.values()].map((a) => ({
      id: a.id,
      parent: a.parent.id,
      children: a.children,
      active: a.active,
    }));
    return { lastId: this.#lastId, nodes };
  }

  /** Makes the anon_vmas anew, without mappings; whoever restores the mappings links them. */
  restore(state: AnonVmasState): void {
    this.#byId.clear();
    this.#lastId = state.lastId;
    for (const node of [...state.nodes].sort((a, b) => a.id - b.id)) {
      const anonVma = new AnonVma(node.id, node.parent === node.id ? undefined : this.#byId.get(node.parent));
      anonVma.children = node.children;
      anonVma.active = node.active;
      this.#byId.set(node.id, anonVma);
    }
  }
}

export interface AnonVmasState {
  readonly lastId: number;
  readonly nodes: readonly { id: number; parent: number; children: number; active: number }[];
}

/** Enters a mapping in an anon_vma (anon_vma_chain_link). */
export function link(vma: Vma, anonVma: AnonVma): void {
  if (!vma.anonVmaChain.includes(anonVma)) vma.anonVmaChain.push(anonVma);
  anonVma.vmas.add(vma);
}

/** reusable_anon_vma: only of a mapping that did not inherit it, and only between neighbours that could merge. */
function reusable(old: Vma, before: Vma, behind: Vma): AnonVma | undefined {
  if (old.anonVma === undefined || old.anonVmaChain.length !== 1) return undefined;
  const compatible =
    before.end === behind.start &&
    before.file === behind.file &&
    ((before.flags ^ behind.flags) & ~VM_ACCESS_FLAGS) === 0 &&
    behind.pgoff === before.pgoff + before.pages;
  return compatible ? old.anonVma : undefined;
}
