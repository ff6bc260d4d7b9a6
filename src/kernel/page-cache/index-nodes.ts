/**
 * The nodes of page indexes are kernel memory of the cgroup whose task made them (XA_FLAGS_ACCOUNT of i_pages, set by
 * inode_init_always): reading a file costs a group one node in 64 pages besides.
 */
import { chargeObject, RADIX_NODE_BYTES, unchargeObject } from '../cgroup/kernel-objects.ts';
import type { PageCore } from '../core.ts';
import type { Inode } from './inode.ts';

/**
 * Puts an entry into the index of a file's pages, 0 for none, and accounts for the nodes that come or go.
 * @param payer cgroup that pays for new nodes, and whose nodes go first
 * @returns the entry that was there
 */
export function setIndexEntry(core: PageCore, inode: Inode, index: number, entry: number, payer: number): number {
  const before = inode.pages.nodes;
  const old = inode.pages.set(index, entry);
  const change = inode.pages.nodes - before;
  if (change > 0) charge(core, inode, payer, change);
  else if (change < 0) uncharge(core, inode, payer, -change);
  return old;
}

function charge(core: PageCore, inode: Inode, payer: number, nodes: number): void {
  if (payer === 0) return;
  inode.indexPayers.set(payer, (inode.indexPayers.get(payer) ?? 0) + nodes);
  for (let i = 0; i < nodes; i++) chargeObject(core.cgroups, payer, RADIX_NODE_BYTES, core.current);
}

function uncharge(core: PageCore, inode: Inode, first: number, nodes: number): void {
  const { indexPayers } = inode;
  // Nodes without an entry here are the root's: they go last.
  for (let left = nodes; left > 0 && indexPayers.size > 0; left--) {
    const payer = indexPayers.has(first) ? first : (indexPayers.keys().next().value ?? 0);
    const paid = (indexPayers.get(payer) ?? 0) - 1;
    if (paid > 0) indexPayers.set(payer, paid);
    else indexPayers.delete(payer);
    unchargeObject(core.cgroups, payer, RADIX_NODE_BYTES);
  }
}
