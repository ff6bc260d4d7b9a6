import type { PageCore } from '../core.ts';
import { ALLOCSTALL_NORMAL } from '../vmstat.ts';
import type { NodeShrinker } from './node.ts';
import { DEF_PRIORITY, type ScanControl } from './scan-control.ts';
import type { Throttle } from './throttle.ts';

/** What rounds of growing pressure need. */
export interface DirectNeeds {
  readonly node: NodeShrinker;
  readonly throttle: Throttle;
  /** Lets the time of a round pass. @param scanned pages looked at; @param freed pages freed */
  spend(scanned: number, freed: number): void;
  /** Somebody has freed a page: kswapd may hope again. */
  progress(): void;
}

/**
 * Rounds of growing pressure until enough is free (do_try_to_free_pages). Who gets nothing tries all groups, then
 * deactivates whatever the balance says, then takes what memory.low protects, before giving up.
 * @returns pages freed; 0 means that there is nothing to be had
 */
export function tryToFree(core: PageCore, needs: DirectNeeds, sc: ScanControl): number {
  for (;;) {
    if (sc.target === undefined) core.vmstat.count(allocstallItem(core));
    descend(needs, sc);
    needs.node.snapshotRefaults(sc.target);
    if (sc.nrReclaimed > 0) return sc.nrReclaimed;
    if (!sc.memcgFullWalk) sc.memcgFullWalk = true;
    else if (sc.skippedDeactivate) {
      sc.forceDeactivate = true;
      sc.skippedDeactivate = false;
    } else if (sc.memcgLowSkipped) {
      // What memory.low protects goes before anybody is killed.
      sc.forceDeactivate = false;
      sc.memcgLowReclaim = true;
      sc.memcgLowSkipped = false;
    } else return 0;
    sc.priority = DEF_PRIORITY;
  }
}

/** One way down the priorities. */
function descend(needs: DirectNeeds, sc: ScanControl): void {
  for (;;) {
    sc.nrScanned = 0;
    const freed = needs.node.shrink(sc);
    needs.spend(sc.nrScanned, freed);
    if (freed > 0) needs.progress();
    needs.throttle.afterZones(sc);
    if (sc.nrReclaimed >= sc.nrToReclaim || sc.priority === 0) return;
    sc.priority--;
  }
}

/** ALLOCSTALL of the highest zone that the machine has: user pages may come from any. */
const allocstallItem = ({ allocator }: PageCore): number => ALLOCSTALL_NORMAL - (3 - allocator.zones.length);
