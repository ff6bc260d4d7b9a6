/**
 * The report of the OOM killer against reports that Linux 6.18.9 has written (Debian's, in a virtual machine of 256 MiB with
 * one hog, fixtures/oom-*.txt): the same lines in the same order, numbers aside; and whether our numbers add up.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { MEMCG_OOM_GROUP_KILL, MEMCG_OOM_KILL } from '../kernel/cgroup/memory-events.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { KernelPanic } from '../kernel/oom/kernel-panic.ts';
import type { Task } from '../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE, SIGKILL } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';
import { columnEnds, numbersOf, templateOf } from './testing/oom-reports.ts';

const PAGE = 4096;
const MIB = 256;
/** Pages that may wait for their list (PAGEVEC_SIZE). */
const BATCH = 31;

const real = (name: string): string[] =>
  readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/** `hog NAME ADJ MIB KIND`, as the reports were provoked. */
function hog(machine: Machine, comm: string, oomScoreAdj: number, mib: number, flags = MAP_PRIVATE, group = 0): Task {
  const { kernel } = machine;
  const task = kernel.processes.spawn(comm, vpn(0x7ffff7fff));
  task.process.oomScoreAdj = oomScoreAdj;
  task.mm.memcg = group;
  machine.runOn(0, task);
  const bytes = mib * MIB * PAGE;
  const both = flags | MAP_ANONYMOUS;
  const at = kernel.addressSpaces.mmap(task, 0, bytes, PROT_READ | PROT_WRITE, both, undefined, 0);
  for (let page = 0; page < mib * MIB; page++)
    if (machine.touch(task, at + page * PAGE, STORE) !== undefined) return task;
  return task;
}

const boot = (): Machine => new Machine({ memory: 256 << 20, sysctls: { 'vm.overcommit_memory': 1 } });

function globalReport(): { machine: Machine; lines: readonly string[] } {
  const machine = boot();
  hog(machine, 'small', 0, 8);
  hog(machine, 'medium', -200, 20, MAP_SHARED);
  hog(machine, 'eater', 0, 300);
  return { machine, lines: machine.kernel.log.lines };
}

test('does the report of a full machine have the lines of the real one, in its order?', () => {
  expect(templateOf(globalReport().lines)).toEqual(templateOf(real('oom-global')));
});

test('and that of a machine on which nobody may be killed, down to its last words?', () => {
  const machine = boot();
  expect(() => hog(machine, 'eater', -1000, 300)).toThrow(KernelPanic);
  expect(templateOf(machine.kernel.log.lines)).toEqual(templateOf(real('oom-deadlock')));
});

test('and that of a cgroup of version 2 that dies as a whole?', () => {
  const machine = boot();
  const { cgroups } = machine.kernel;
  const limited = cgroups.create('g') ?? cgroups.root;
  const [quiet, together] = ['a', 'b'].map((name) => cgroups.create(name, limited)?.id ?? 0);
  limited.memory.max = 20 * MIB;
  cgroups.get(together ?? 0).oomGroup = true;
  hog(machine, 'small', 0, 4, MAP_PRIVATE, quiet);
  hog(machine, 'medium', -200, 5, MAP_SHARED, together);
  const eater = hog(machine, 'eater', 300, 30, MAP_PRIVATE, together);
  expect(templateOf(machine.kernel.log.lines)).toEqual(templateOf(real('oom-group-v2')));
  expect(eater.process.ending).toEqual({ signal: SIGKILL });
  expect([...machine.kernel.processes.all.values()].map(({ comm }) => comm)).toEqual(['small']);
  // The chosen one is counted when it is chosen and again with its group.
  expect(limited.events[MEMCG_OOM_KILL]).toBe(3);
  expect(limited.events[MEMCG_OOM_GROUP_KILL]).toBe(1);
  expect(checkInvariants(machine.kernel)).toEqual([]);
});

test('do the columns of the task table end where they do in the real one?', () => {
  const rows = (lines: readonly string[]): string[] => lines.filter((line) => /^\[ +\d+\]/.test(line));
  const [first = ''] = rows(real('oom-global'));
  for (const row of rows(globalReport().lines)) expect(columnEnds(row)).toEqual(columnEnds(first));
});

describe('the numbers of a report', () => {
  const { lines } = globalReport();
  const find = (start: string): string => lines.find((line) => line.startsWith(start)) ?? '';
  const kbOf = (start: string): Record<string, number> => numbersOf(find(start));
  const zones = ['DMA', 'DMA32'].map((name) => kbOf(`Node 0 ${name} free:`));
  const total = (key: string): number => zones.reduce((sum, zone) => sum + (zone[key] ?? Number.NaN), 0);

  test('do the zones add up to the node, and the node to the machine?', () => {
    const node = kbOf('Node 0 active_anon');
    const pages = numbersOf(lines.slice(lines.indexOf('Mem-Info:') + 1, lines.indexOf('Mem-Info:') + 9).join(' '));
    for (const list of ['active_anon', 'inactive_anon', 'active_file', 'inactive_file', 'unevictable']) {
      expect(total(list), list).toBe(node[list]);
      expect(4 * (pages[list] ?? Number.NaN), list).toBe(node[list]);
    }
    expect(total('free')).toBe(4 * (pages.free ?? Number.NaN));
    const ram = Number.parseInt(lines.find((line) => line.endsWith('pages RAM')) ?? '', 10);
    const reserved = Number.parseInt(lines.find((line) => line.endsWith('pages reserved')) ?? '', 10);
    expect(total('managed')).toBe(4 * (ram - reserved));
    // Free, on a list, a table, a slab, in the batch that waits for its list, or one of the kernel's few frames from boot.
    const lists = ['active_anon', 'inactive_anon', 'active_file', 'inactive_file', 'unevictable'];
    const used = lists.reduce((sum, list) => sum + (node[list] ?? Number.NaN), 0) + (node.pagetables ?? Number.NaN);
    const slab = 4 * ((pages.slab_reclaimable ?? Number.NaN) + (pages.slab_unreclaimable ?? Number.NaN));
    const rest = total('managed') - total('free') - used - slab;
    expect(rest).toBeGreaterThanOrEqual(0);
    expect(rest).toBeLessThanOrEqual(4 * (BATCH + 16));
  });

  test('do the free lists add up to what is free?', () => {
    for (const [i, name] of ['DMA', 'DMA32'].entries()) {
      const line = find(`Node 0 ${name}: `);
      const sum = [...line.matchAll(/(\d+)\*(\d+)kB/g)].reduce((all, [, n, kb]) => all + Number(n) * Number(kb), 0);
      expect(line.endsWith(` = ${sum}kB`)).toBe(true);
      expect(sum).toBe(zones[i]?.free);
    }
  });

  test('do the rows of the table add up to the pages on the lists?', () => {
    const rows = lines.filter((line) => /^\[ *\d+\]/.test(line)).map((line) => line.split(/\s+/).map(Number));
    const column = (n: number): number => rows.reduce((sum, row) => sum + (row.at(n) ?? Number.NaN), 0);
    expect(rows.length).toBe(3);
    // The name is the last column, rss_shmem, rss_file, rss_anon and rss the fifth to the eighth from behind.
    expect(column(-7) + column(-6) + column(-5)).toBe(column(-8));
    const { active_anon: active = 0, inactive_anon: inactive = 0 } = kbOf('Node 0 active_anon');
    const waiting = 4 * (column(-7) + column(-5)) - active - inactive;
    expect(waiting).toBeGreaterThanOrEqual(0);
    expect(waiting).toBeLessThanOrEqual(4 * BATCH);
  });

  test('is the request one that no zone could serve?', () => {
    for (const zone of zones) expect(zone.free).toBeLessThanOrEqual((zone.min ?? 0) + 4 * 256);
  });
});
