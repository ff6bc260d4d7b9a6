import type { Vma } from '../address-space/vma.ts';

/**
 * The reverse map of anonymous pages (struct anon_vma): a page knows its anon_vma and its index, the anon_vma knows the
 * mappings in which that index may be mapped. A fork gives the child's mapping its own anon_vma with the parent's as
 * `parent`, and links the child's mapping into all of the parent's too.
 */
export class AnonVma {
  readonly id: number;
  readonly root: AnonVma;
  readonly parent: AnonVma;
  /** Mappings that may map a page of this anon_vma. */
  readonly vmas: Set<Vma> = new Set();
  /** How many anon_vmas have this one as parent, itself not counted. */
  children = 0;
  /** How many mappings have it as their own anon_vma; at 0 it may be re-used by a fork (anon_vma_clone). */
  active = 0;

  constructor(id: number, parent?: AnonVma) {
    this.id = id;
    this.parent = parent ?? this;
    this.root = parent ? parent.root : this;
  }
}
