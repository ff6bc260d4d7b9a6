import type { Model } from './models.ts';

/** Pages that reclaim frees at a time (SWAP_CLUSTER_MAX). */
const CLUSTER = 32;

interface Page {
  readonly object: number;
  referenced: boolean;
  active: boolean;
}

/**
 * Linux' two lists once more, as plain as can be (mm/swap.c, mm/vmscan.c, mm/workingset.c without MGLRU): arrays, oldest
 * first. It knows nothing of batches of pages on their way to the lists, of charges ahead, nor of anything but reads of
 * single pages under a limit.
 */
export function linuxModel(capacity: number): Model {
  const pages = new Map<number, Page>();
  const inactive: Page[] = [];
  const active: Page[] = [];
  /** The age at which each page was evicted, and the age of the lists: evictions and activations. */
  const shadows = new Map<number, number>();
  let age = 0;
  let refaultActivated = false;

  /** The oldest of the inactive pages go; use through read(2) does not save them any more. */
  const evict = (count: number): number => {
    const victims = inactive.splice(0, count);
    for (const { object } of victims) {
      pages.delete(object);
      shadows.set(object, age++);
    }
    return victims.length;
  };

  /** try_to_free_mem_cgroup_pages: a 2^priority-th of each list at a time, until 32 pages are free. */
  const reclaim = (): void => {
    let freed = 0;
    for (let priority = 12; priority >= 0 && freed < CLUSTER; priority--) {
      const mayDeactivate = refaultActivated || inactive.length < active.length;
      let fromInactive = inactive.length >> priority;
      let fromActive = active.length >> priority;
      let now = 0;
      while (fromInactive + fromActive > 0 && now < CLUSTER) {
        now += evict(Math.min(CLUSTER, fromInactive));
        fromInactive -= Math.min(CLUSTER, fromInactive);
        const tired = mayDeactivate ? active.splice(0, Math.min(CLUSTER, fromActive)) : [];
        for (const page of tired) page.active = false;
        inactive.push(...tired);
        fromActive -= Math.min(CLUSTER, fromActive);
      }
      freed += now;
    }
    // Refaults from now on are news to the next reclaim (snapshot_refaults).
    refaultActivated = false;
  };

  /** folio_mark_accessed */
  const use = (page: Page): void => {
    if (!page.referenced) {
      page.referenced = true;
    } else if (!page.active) {
      page.active = true;
      page.referenced = false;
      inactive.splice(inactive.indexOf(page), 1);
      active.push(page);
      age++;
    }
  };

  return (object) => {
    const cached = pages.get(object);
    if (cached !== undefined) {
      use(cached);
      return true;
    }
    if (pages.size === capacity) reclaim();
    const shadow = shadows.get(object);
    // workingset_refault: the active pages alone would have made room for it.
    const soon = shadow !== undefined && age - shadow <= active.length;
    if (soon) {
      age++;
      refaultActivated = true;
    }
    const page = { object, referenced: true, active: soon };
    pages.set(object, page);
    (soon ? active : inactive).push(page);
    return false;
  };
}
