import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import type { MemCgroup } from '../kernel/cgroup/mem-cgroup.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { TaskBlocked } from '../kernel/oom/task-blocked.ts';
import type { Task } from '../kernel/process/process.ts';
import { zram } from '../kernel/swap/swap-devices.ts';
import { SWAP_FLAG_PREFER } from '../kernel/swap/swapon.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine, type MachineState } from './machine.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const PAGES = 400;

type Step = readonly [what: number, a: number, b: number, pages: number];

/** A machine with swap, three processes that have mapped memory and a file each, and a tree of groups that grows. */
class Playground {
  readonly machine: Machine;
  readonly groups: MemCgroup[];
  readonly #tasks: { task: Task; at: number; fd: number }[] = [];

  constructor(cgroups: 1 | 2) {
    this.machine = new Machine({ memory: 48 << 20, contents: 'none', cgroups });
    const { kernel } = this.machine;
    kernel.swapon({ path: '/dev/zram0', device: zram, slots: 600, flags: SWAP_FLAG_PREFER | 3 });
    this.groups = [kernel.cgroups.root];
    for (let i = 0; i < 3; i++) {
      const task = kernel.processes.spawn(`p${i}`, vpn(0x7ffff7fff - i));
      this.machine.runOn(0, task);
      const flags = MAP_PRIVATE | MAP_ANONYMOUS;
      const at = kernel.addressSpaces.mmap(task, 0, PAGES * 4096, PROT_READ | PROT_WRITE, flags, undefined, 0);
      this.#tasks.push({ task, at, fd: kernel.files.memfdCreate(task, `f${i}`) });
    }
  }

  play([what, a, b, pages]: Step): void {
    const { kernel } = this.machine;
    const tree = kernel.cgroupTree;
    const group = this.groups[a % this.groups.length] as MemCgroup;
    const { task, at, fd } = this.#tasks[b % 3] as { task: Task; at: number; fd: number };
    const alive = task.process.ending === undefined;
    const isV2 = kernel.cgroups.version === 2;
    const limit = isV2 ? 'memory.max' : 'memory.limit_in_bytes';
    switch (what) {
      case 0: {
        if (this.groups.length > 8) return;
        if (isV2 && tree.write(group, 'cgroup.subtree_control', '+memory') < 0) return;
        const made = tree.mkdir(`g${this.groups.length}`, group);
        if (typeof made !== 'number') this.groups.push(made);
        return;
      }
      case 1:
        if (alive) tree.attach(task.process, group);
        return;
      case 2:
        if (group.parent !== undefined) tree.write(group, limit, String((pages + 80) * 4096));
        return;
      case 3:
        if (group.parent !== undefined && isV2)
          tree.write(group, ['memory.high', 'memory.low', 'memory.min'][b % 3] as string, `${pages * 4}k`);
        return;
      case 4:
        if (isV2) tree.write(group, 'memory.reclaim', `${pages * 4}k`);
        else tree.write(group, 'memory.force_empty', '0');
        return;
      case 5:
        if (tree.rmdir(group) === 0) this.groups.splice(this.groups.indexOf(group), 1);
        return;
      case 6:
        if (!alive) return;
        this.machine.runOn(0, task);
        kernel.files.pwrite(task, fd, at, 4096 * (pages % 40), (a % 8) * 4096 * 40);
        return;
      case 7:
        if (group.parent !== undefined && isV2) tree.write(group, 'memory.swap.max', `${pages * 4}k`);
        return;
      default:
        if (!alive) return;
        this.machine.runOn(0, task);
        for (let i = 0; i < pages && task.process.ending === undefined; i++)
          this.machine.touch(task, at + ((a * 37 + i) % PAGES) * 4096, STORE);
    }
  }
}

const steps = fc.array(
  fc.tuple(fc.nat({ max: 11 }), fc.nat({ max: 50 }), fc.nat({ max: 50 }), fc.integer({ min: 1, max: 350 })),
  {
    minLength: 5,
    maxLength: 45,
  },
);

test.each([1, 2] as const)(
  'Is what a group of version %i is charged for always the sum of its pages, whatever is made, moved, limited and removed?',
  (version) => {
    fc.assert(
      fc.property(steps, (all) => {
        const playground = new Playground(version);
        for (const step of all) {
          try {
            playground.play(step);
          } catch (error) {
            if (!(error instanceof TaskBlocked)) throw error;
            return;
          }
          expect(checkInvariants(playground.machine.kernel)).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  },
  120_000,
);

test('Does a machine with a random tree of groups go on from a snapshot as if nothing had been?', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const playground = new Playground(2);
      try {
        for (const step of all) playground.play(step);
      } catch (error) {
        if (!(error instanceof TaskBlocked)) throw error;
      }
      const bytes = encodeSnapshot(playground.machine.save());
      const restored = Machine.restore(decodeSnapshot(bytes) as MachineState);
      expect(encodeSnapshot(restored.save())).toEqual(bytes);
    }),
    { numRuns: 15 },
  );
}, 120_000);
