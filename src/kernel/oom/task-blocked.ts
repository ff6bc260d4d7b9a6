/**
 * A task waits for memory that nobody gives back: its group is full, and nobody in it may be killed
 * (mem_cgroup_oom_synchronize; without oom_control the kernel tries the fault again and again). Whoever drives the machine
 * may let others run and then repeat what the task was doing: it goes on when there is room.
 */
export class TaskBlocked extends Error {
  override name = 'TaskBlocked';

  constructor(comm: string, pid: number, group: string) {
    super(`${comm} (process ${pid}) waits for memory: the cgroup ${group} is full, and nobody in it may be killed`);
  }
}
