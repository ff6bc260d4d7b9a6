/** khugepaged on the virtual clock: when it looks, what it takes, and that a snapshot does not disturb it. */
import { expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import { MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const ARENA = 0x200000000000;
const PAGE = 4096;
const HUGE = 2 << 20;
const SECOND = 1e9;

/** A process with `blocks` blocks of 2 MiB, of each of which the first pages are written as small pages. */
function prepare(blocks: number, pages: number): { machine: Machine; task: Task } {
  const machine = new Machine({ memory: 256 << 20, contents: 'bytes' });
  const task = machine.kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const { addressSpaces } = machine.kernel;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  addressSpaces.mmap(task, ARENA, blocks * HUGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
  for (let block = 0; block < blocks; block++)
    for (let page = 0; page < pages; page++)
      machine.writeBytes(task, ARENA + block * HUGE + page * PAGE, Uint8Array.of(page & 255));
  addressSpaces.madvise(task, ARENA, blocks * HUGE, MADV_HUGEPAGE);
  return { machine, task };
}

const collapsed = ({ kernel }: Machine): number => kernel.thp.khugepaged.pagesCollapsed;

test('does it look at 4096 pages, and then again after ten seconds?', () => {
  const { machine, task } = prepare(20, 3);
  machine.clock.sleep(0.1 * SECOND);
  // The advice woke it; 8 blocks are 4096 pages.
  expect(collapsed(machine)).toBe(8);
  machine.clock.sleep(9.8 * SECOND);
  expect(collapsed(machine)).toBe(8);
  machine.clock.sleep(0.2 * SECOND);
  expect(collapsed(machine)).toBe(16);
  machine.clock.sleep(10 * SECOND);
  expect(collapsed(machine)).toBe(20);
  expect(machine.kernel.thp.khugepaged.fullScans).toBeGreaterThan(0);
  expect(task.mm.rss[1]).toBe(20 * 512);
  for (let page = 0; page < 3; page++)
    expect(machine.readBytes(task, ARENA + page * PAGE, 1)).toEqual(Uint8Array.of(page));
  expect(checkInvariants(machine.kernel)).toEqual([]);
});

test('does it keep to max_ptes_none, and go on when it is raised?', () => {
  const { machine } = prepare(2, 100);
  machine.kernel.writeThp('khugepaged/max_ptes_none', '400');
  machine.clock.sleep(30 * SECOND);
  expect(collapsed(machine)).toBe(0);
  machine.kernel.writeThp('khugepaged/max_ptes_none', '412');
  machine.clock.sleep(30 * SECOND);
  expect(collapsed(machine)).toBe(2);
});

test('saved while it sleeps and restored, does it wake at the same instant and do the same?', () => {
  const { machine } = prepare(20, 3);
  machine.clock.sleep(5 * SECOND);
  const other = Machine.restore(machine.save());
  expect(other.save()).toEqual(machine.save());
  for (const one of [machine, other]) one.clock.sleep(6 * SECOND);
  expect(collapsed(other)).toBe(16);
  expect(other.save()).toEqual(machine.save());
});

test('does it forget an address space that has ended?', () => {
  const { machine, task } = prepare(20, 3);
  machine.kernel.processes.exit(task.process, { exit: 0 });
  machine.clock.sleep(60 * SECOND);
  expect(checkInvariants(machine.kernel)).toEqual([]);
  expect(machine.kernel.thp.khugepaged.save().mms).toEqual([]);
});
