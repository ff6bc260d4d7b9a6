/**
 * The nodes of page indexes are kernel memory of the cgroup whose task made them (XA_FLAGS_ACCOUNT of i_pages, set by
 * inode_init_always): reading a file costs a group one node in 64 pages besides.
 */
import { chargeObject, RADIX_NODE_BYTES, unchargeObject } from '../cgroup/kernel-objects.ts';
import type { PageCore } from '../core.ts';
import { panic } from '../panic.ts';
import { WORKINGSET_NODERECLAIM } from '../vmstat.ts';
import type { Inode } from './inode.ts';

const NODE_ENTRIES = 64;

/**
 * Puts an entry into the index of a file's pages, 0 for none, and accounts for the nodes that come or go.
 * @param payer cgroup that pays for new nodes, and whose nodes go first
 * @returns the entry that was there
 */
export function setIndexEntry(core: PageCore, inode: Inode, index: number, entry: number, payer: number): number {
  const { pages } = inode;
  const before = pages.nodes;
  const shadowsBefore = pages.negativeLeaves;
  const old = pages.set(index, entry);
  const change = pages.nodes - before;
  if (change > 0) charge(core, inode, payer, change);
  const shadows = pages.negativeLeaves - shadowsBefore;
  if (shadows !== 0 && inode.kind === 'file') core.slab.shadowNodes(ownerOf(inode), shadows);
  if (change < 0) uncharge(core, inode, payer, -change);
  return old;
}

/** Who pays for a file's index; where several do, who began it. */
const ownerOf = (inode: Inode): number => inode.indexPayers.keys().next().value ?? 0;

/**
 * Gives back nodes that hold nothing but shadows of evicted pages (shadow_lru_isolate).
 * @returns how many went
 */
export function dropShadowNodes(core: PageCore, inodes: Iterable<Inode>, group: number, nodes: number): number {
  let dropped = 0;
  for (const inode of inodes) {
    if (inode.kind !== 'file') continue;
    while (dropped < nodes && inode.pages.negativeLeaves > 0 && ownerOf(inode) === group) {
      const first = inode.pages.nextNegativeLeaf(0);
      if (first < 0) panic('shadow_lru_isolate: a node of shadows is counted and not there');
      const last = first | (NODE_ENTRIES - 1);
      inode.pages.forEach(first, last, (index) => setIndexEntry(core, inode, index, 0, group), true);
      core.vmstat.count(WORKINGSET_NODERECLAIM);
      core.cgroups.count(group, WORKINGSET_NODERECLAIM);
      dropped++;
    }
    if (dropped === nodes) break;
  }
  return dropped;
}

function charge(core: PageCore, inode: Inode, payer: number, nodes: number): void {
  for (let i = 0; i < nodes; i++) core.slab.nodes.allocate();
  if (payer === 0) return;
  inode.indexPayers.set(payer, (inode.indexPayers.get(payer) ?? 0) + nodes);
  for (let i = 0; i < nodes; i++) chargeObject(core.cgroups, payer, RADIX_NODE_BYTES, core.current);
}

function uncharge(core: PageCore, inode: Inode, first: number, nodes: number): void {
  for (let i = 0; i < nodes; i++) core.slab.nodes.free();
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
