/** The counters of pages looked at and freed (PGSCAN_* and PGSTEAL_*), of the machine and of cgroups. */
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { PageCore } from '../core.ts';
import {
  PGSCAN_ANON,
  PGSCAN_DIRECT,
  PGSCAN_FILE,
  PGSCAN_KSWAPD,
  PGSCAN_PROACTIVE,
  PGSTEAL_ANON,
  PGSTEAL_DIRECT,
  PGSTEAL_FILE,
  PGSTEAL_KSWAPD,
  PGSTEAL_PROACTIVE,
} from '../vmstat.ts';
import type { ScanControl } from './scan-control.ts';

/** By who reclaims (PGSCAN_KSWAPD + reclaimer_offset). */
const SCANNED = { kswapd: PGSCAN_KSWAPD, direct: PGSCAN_DIRECT, proactive: PGSCAN_PROACTIVE } as const;
const STOLEN = { kswapd: PGSTEAL_KSWAPD, direct: PGSTEAL_DIRECT, proactive: PGSTEAL_PROACTIVE } as const;

/** Pages of a group were looked at. What a group's own limit makes is no event of the machine's reclaim. */
export function countScanned(core: PageCore, sc: ScanControl, group: MemCgroup, isFile: boolean, pages: number): void {
  const { vmstat, cgroups } = core;
  if (sc.target === undefined) vmstat.count(SCANNED[sc.by], pages);
  cgroups.count(group.id, SCANNED[sc.by], pages);
  vmstat.count(isFile ? PGSCAN_FILE : PGSCAN_ANON, pages);
}

/** Pages of a group were freed. */
export function countStolen(core: PageCore, sc: ScanControl, group: MemCgroup, isFile: boolean, pages: number): void {
  const { vmstat, cgroups } = core;
  if (sc.target === undefined) vmstat.count(STOLEN[sc.by], pages);
  cgroups.count(group.id, STOLEN[sc.by], pages);
  vmstat.count(isFile ? PGSTEAL_FILE : PGSTEAL_ANON, pages);
}
