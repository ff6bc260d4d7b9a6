/**
 * Several processes use 2 MiB blocks at random, with huge pages on: mapped, written, cut, moved, forked, swapped, split and
 * collapsed, under a memory limit that they do not fit in. Contents must be those of a plain array, and every invariant
 * must hold.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import { loop, zram } from '../kernel/swap/swap-devices.ts';
import {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_PAGEOUT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import { THP_COLLAPSE_ALLOC, THP_FAULT_ALLOC, THP_SPLIT_PAGE, THP_SPLIT_PMD, THP_SWPOUT } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';

const ARENA = 0x200000000000;
const BLOCK = 512;
const PAGES = 4 * BLOCK;
const PAGE = 4096;
const RW = PROT_READ | PROT_WRITE;

interface Actor {
  task: Task;
  /** What the first byte of each page holds; undefined where nothing is mapped, negative where it may only be read. */
  pages: (number | undefined)[];
}

/** Borders at which huge pages begin and end are met more often than others. */
const border = fc.oneof(
  { weight: 3, arbitrary: fc.nat(4).map((block) => block * BLOCK) },
  { weight: 1, arbitrary: fc.nat(PAGES) },
);
const step = fc.record({
  who: fc.nat(7),
  what: fc.constantFrom(
    'map',
    'unmap',
    'write',
    'write',
    'write',
    'write',
    'fill',
    'fill',
    'fill',
    'read',
    'protect',
    'forget',
    'pageout',
    'pageout',
    'cold',
    'collapse',
    'collapse',
    'advise',
    'lock',
    'move',
    'fork',
    'exit',
    'sleep',
    'split',
  ),
  ends: fc.tuple(border, border),
  to: border,
  flag: fc.boolean(),
  value: fc.integer({ min: 1, max: 255 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(machine: Machine, actors: Actor[], s: Step): void {
  const actor = actors[s.who % actors.length] as Actor;
  const { task, pages } = actor;
  const { addressSpaces, processes } = machine.kernel;
  const from = Math.min(...s.ends);
  const to = Math.max(...s.ends);
  const address = ARENA + from * PAGE;
  const length = (to - from) * PAGE;
  machine.runOn(0, task);
  machine.clock.settle();
  if (from === to) return;
  const advise = (advice: number): number => addressSpaces.madvise(task, address, length, advice);
  switch (s.what) {
    case 'map':
      addressSpaces.mmap(task, address, length, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
      return void pages.fill(0, from, to);
    case 'unmap':
      addressSpaces.munmap(task, address, length);
      return void pages.fill(undefined, from, to);
    case 'write':
      if (machine.writeBytes(task, address, Uint8Array.of(s.value)) === undefined) pages[from] = s.value;
      return;
    case 'fill':
      for (let i = from; i < to; i += 1 + (s.value & 15))
        if (machine.writeBytes(task, ARENA + i * PAGE, Uint8Array.of(s.value)) === undefined) pages[i] = s.value;
      return;
    case 'read':
      if (pages[from] === undefined) return;
      expect(machine.readBytes(task, address, 1)).toEqual(Uint8Array.of(pages[from] as number));
      return;
    case 'protect':
      addressSpaces.mprotect(task, address, length, s.flag ? PROT_READ : RW);
      return;
    case 'forget':
      if (advise(MADV_DONTNEED) !== -22) for (let i = from; i < to; i++) if (pages[i] !== undefined) pages[i] = 0;
      return;
    case 'pageout':
      return void advise(MADV_PAGEOUT);
    case 'cold':
      return void advise(MADV_COLD);
    case 'collapse':
      return void advise(MADV_COLLAPSE);
    case 'advise':
      return void advise(s.flag ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    case 'lock':
      if (s.flag) addressSpaces.munlock(task, address, length);
      else if (to - from < 64) addressSpaces.mlock(task, address, length);
      return;
    case 'move': {
      const overlap = s.to < to && from < s.to + (to - from);
      if (overlap || s.to + (to - from) > PAGES || pages.slice(from, to).includes(undefined)) return;
      const target = ARENA + s.to * PAGE;
      const moved = addressSpaces.mremap(task, address, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, target);
      // Parts with different rights are several mappings, which do not move together.
      if (moved < 0) return void rebuild(machine, actor);
      pages.splice(s.to, to - from, ...pages.slice(from, to));
      return void pages.fill(undefined, from, to);
    }
    case 'fork': {
      if (actors.length >= 4) return;
      actors.push({ task: processes.fork(task) as Task, pages: [...pages] });
      return;
    }
    case 'exit':
      if (actors.length === 1) return;
      processes.exit(task.process, { exit: 0 });
      actors.splice(actors.indexOf(actor), 1);
      return;
    case 'sleep':
      machine.clock.sleep(11e9);
      return;
    case 'split': {
      const [head] = machine.kernel.thp.deferred.waiting();
      if (head !== undefined) machine.kernel.splitFolio(head);
    }
  }
}

/** A move that failed halfway may have unmapped its target: what is mapped is asked anew. */
function rebuild(machine: Machine, { task, pages }: Actor): void {
  for (let i = 0; i < PAGES; i++) if (task.mm.vmas.lookup(vpn(ARENA / PAGE + i)) === undefined) pages[i] = undefined;
  machine.runOn(0, task);
}

function makeMachine(device = zram): { machine: Machine; first: Task } {
  const machine = new Machine({ memory: 96 << 20, contents: 'bytes', transparentHugePages: 'always' });
  // A block device: huge pages can be swapped whole.
  machine.kernel.swapon({ path: `/dev/${device.name}`, device, slots: 32768 });
  machine.kernel.writeThp('khugepaged/max_ptes_none', '400');
  machine.kernel.writeThp('hugepages-64kB/enabled', 'inherit');
  const group = machine.kernel.cgroups.create('g');
  if (group === undefined) throw new Error('no group');
  group.memory.max = 1500;
  const first = machine.kernel.processes.spawn('a', (0x7ffff7fff000 / PAGE) as never);
  first.mm.memcg = group.id;
  return { machine, first };
}

test('do splitting and collapsing under pressure keep contents, counters, reverse map and the free lists?', () => {
  const met = new Float64Array(5);
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), fc.constantFrom(zram, loop), (steps, device) => {
      const { machine, first } = makeMachine(device);
      const actors: Actor[] = [{ task: first, pages: Array.from({ length: PAGES }, () => undefined) }];
      run(machine, actors, { ...(steps[0] as Step), what: 'map', ends: [0, PAGES] });
      for (const s of steps) run(machine, actors, s);
      expect(checkInvariants(machine.kernel)).toEqual([]);
      for (const { task, pages } of actors) {
        machine.runOn(0, task);
        pages.forEach((value, i) => {
          if (value === undefined) return;
          expect([i, machine.readBytes(task, ARENA + i * PAGE, 1)]).toEqual([i, Uint8Array.of(value)]);
        });
      }
      expect(checkInvariants(machine.kernel)).toEqual([]);
      const { vmstat } = machine.kernel;
      [THP_FAULT_ALLOC, THP_COLLAPSE_ALLOC, THP_SPLIT_PAGE, THP_SPLIT_PMD, THP_SWPOUT].forEach((item, i) => {
        (met[i] as number) += vmstat.value(item);
      });
      for (const { task } of actors) machine.kernel.processes.exit(task.process, { exit: 0 });
      expect(checkInvariants(machine.kernel)).toEqual([]);
    }),
    { numRuns: 60, endOnFailure: true },
  );
  // All of it happened, or the test says nothing.
  for (const count of met) expect(count).toBeGreaterThan(0);
});

test('does a huge page take one fault, and a store to a part that was cut off another?', () => {
  const { machine, first } = makeMachine();
  machine.runOn(0, first);
  const { addressSpaces } = machine.kernel;
  addressSpaces.mmap(first, ARENA, BLOCK * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
  for (let i = 0; i < BLOCK; i++) machine.touch(first, ARENA + i * PAGE, STORE);
  expect(first.minFlt).toBe(1);
  addressSpaces.madvise(first, ARENA, PAGE, MADV_DONTNEED);
  for (let i = 0; i < BLOCK; i++) machine.touch(first, ARENA + i * PAGE, STORE);
  expect(first.minFlt).toBe(2);
});
