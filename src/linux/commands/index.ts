/** Every command that is ours, by the name that one types. */
import type { LinuxCommand } from '../command.ts';
import { dmesg, journalctl } from './dmesg.ts';
import { docker } from './docker.ts';
import { free } from './free.ts';
import { jobs, kill, wait } from './jobs.ts';
import { pmap } from './pmap.ts';
import { ps } from './ps.ts';
import { sleep } from './sleep.ts';
import { choom, hostname, nproc, uname } from './small.ts';
import { stressNg } from './stress-ng.ts';
import { swapoff, swapon } from './swap.ts';
import { sysctl } from './sysctl.ts';
import { systemdRun } from './systemd-run.ts';
import { timeCommand } from './time.ts';
import { top } from './top.ts';
import { ulimit } from './ulimit.ts';
import { uptime } from './uptime.ts';
import { vmstat } from './vmstat.ts';

const ALL: readonly LinuxCommand[] = [
  choom,
  dmesg,
  docker(() => COMMANDS),
  free,
  hostname,
  jobs,
  journalctl,
  kill,
  nproc,
  pmap,
  ps,
  sleep,
  stressNg,
  swapoff,
  swapon,
  sysctl,
  systemdRun(() => COMMANDS),
  timeCommand(() => COMMANDS),
  top,
  ulimit,
  uname,
  uptime,
  vmstat,
  wait,
];

export const COMMANDS: ReadonlyMap<string, LinuxCommand> = new Map(ALL.map((command) => [command.name, command]));
