/** How frames of programs and tables are charged: to the group of the task that runs, and back from the group that paid. */
import type { FrameTable } from '../frames/frame-table.ts';
import type { Charging } from '../frames/user-pages.ts';
import type { Task } from '../process/process.ts';
import type { MemCgroups } from './mem-cgroups.ts';

interface PageChargingNeeds {
  readonly table: FrameTable;
  readonly cgroups: MemCgroups;
  readonly current: Task | undefined;
}

/** @param refill see `Charging` */
export const pageCharging = (needs: PageChargingNeeds, refill: () => void): Charging => ({
  payer: () => needs.current?.mm.memcg ?? 0,
  charge: (cgroup, kernelMemory, mayReclaim) => {
    if (!needs.cgroups.charge(cgroup, 1, needs.current, mayReclaim)) return false;
    const group = needs.cgroups.get(cgroup);
    if (kernelMemory) group.kmem.charge(1);
    else group.pgpgin++;
    return true;
  },
  chargeFolio: (cgroup, pages, mayReclaim) => {
    if (!needs.cgroups.charge(cgroup, pages, needs.current, mayReclaim === true ? 'try' : mayReclaim || 'never'))
      return false;
    needs.cgroups.get(cgroup).pgpgin += pages;
    return true;
  },
  uncharge: (frame, kernelMemory) => {
    const group = needs.cgroups.get(needs.table.memcg[frame] as number);
    if (kernelMemory) group.kmem.uncharge(1);
    else group.pgpgout++;
    needs.cgroups.uncharge(frame, kernelMemory);
  },
  refill,
});
