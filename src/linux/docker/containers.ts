/** The containers of a box: each is a command in a control group of its own. */
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
import type { LinuxBox } from '../linux-box.ts';

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly command: string;
  readonly group: MemCgroup;
  readonly memory: number | undefined;
  exitCode: number | undefined;
  oomKilled: boolean;
}

/** Containers of a box, oldest first; those that have ended stay until `docker rm`. */
const containersOf = new WeakMap<LinuxBox, Container[]>();
export const containers = (box: LinuxBox): Container[] => {
  const all = containersOf.get(box) ?? [];
  containersOf.set(box, all);
  return all;
};

/** Twelve hex digits, the same for the same number of the container. */
export const idOf = (number: number): string =>
  (0xfa0d1e * 4096 * (number + 7) + 0x5eed).toString(16).padStart(12, '0').slice(-12);
