/** The machine's own reports, explained: the answers must be what the machine knows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import type { Task } from '../../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import { Machine } from '../../machine/machine.ts';
import { explainLog } from './index.ts';

const PAGE = 4096;

const process = fc.record({
  pages: fc.integer({ min: 20, max: 5000 }),
  adj: fc.integer({ min: -400, max: 700 }),
  limited: fc.boolean(),
});

test('do explanation and machine agree on who was killed, why, and how much there was?', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(process, { minLength: 3, maxLength: 9 }), fc.boolean(), (processes, swap) => {
      const machine = new Machine({
        memory: 32 << 20,
        swap: swap ? 4 << 20 : 0,
        sysctls: { 'vm.overcommit_memory': 1 },
      });
      const { kernel } = machine;
      const group = kernel.cgroups.create('box') ?? kernel.cgroups.root;
      group.memory.max = 2500;
      const tasks = new Map<number, Task>();
      processes.forEach(({ pages, adj, limited }, i) => {
        const task = kernel.processes.spawn(`p${i}`, vpn(0x7ffff7fff));
        tasks.set(task.process.pid, task);
        task.process.oomScoreAdj = adj;
        task.mm.memcg = limited ? group.id : 0;
        machine.runOn(0, task);
        const at = kernel.addressSpaces.mmap(
          task,
          0,
          pages * PAGE,
          PROT_READ | PROT_WRITE,
          MAP_PRIVATE | MAP_ANONYMOUS,
          undefined,
          0,
        );
        for (let page = 0; page < pages; page++) if (machine.touch(task, at + page * PAGE, STORE) !== undefined) return;
      });
      const dead = [...tasks].filter(([, task]) => task.process.ending !== undefined).map(([pid]) => pid);
      const reports = explainLog(kernel.log.dmesg());
      expect(reports.flatMap(({ killed }) => killed.map(({ pid }) => pid)).sort()).toEqual(dead.sort());
      for (const { agrees, constraint, memory, cgroup, rule, missing } of reports) {
        expect([agrees, missing]).toEqual([true, []]);
        expect(cgroup).toEqual(
          constraint === 'CONSTRAINT_MEMCG' ? { limit: '/box', victim: '/box' } : expect.toSatisfy(() => true),
        );
        if (constraint !== 'CONSTRAINT_NONE') continue;
        expect(rule.total?.pages).toBe(kernel.allocator.managed + kernel.swap.total);
        expect(memory?.totalKb).toBe(kernel.allocator.managed * 4);
        const rest = memory?.parts.find(({ name }) => name === 'not accounted')?.kb ?? Number.NaN;
        // The kernel's frames from boot, and pages in batches.
        expect(Math.abs(rest)).toBeLessThan(600);
      }
    }),
    { numRuns: 25 },
  );
});
