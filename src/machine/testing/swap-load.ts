/**
 * Random loads on a machine that is too small for them: processes that map, write, forget, move, fork and exit, and an
 * administrator who takes swap areas away. What each page must hold stands in a model of cells.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Task } from '../../kernel/process/process.ts';
import { disk, loop, type SwapDevice, zram } from '../../kernel/swap/swap-devices.ts';
import {
  MADV_COLD,
  MADV_DONTNEED,
  MADV_PAGEOUT,
  MADV_REMOVE,
  MADV_WILLNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
} from '../../kernel/uapi.ts';
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE } from '../../kernel/vmstat.ts';
import { Machine } from '../machine.ts';

const ARENA = 0x200000000000;
const PAGE = 4096;
const PROT = PROT_READ | PROT_WRITE;
const MOST_PROCESSES = 4;
/** Pages that a process may map; four processes want three times the machine's memory. */
export const ARENA_PAGES = 1024;
const MEMORY = 5 << 20;
/** Huge pages need whole blocks of 2 MiB. */
const MEMORY_WITH_HUGE_PAGES = 7 << 20;
const GROUP_LIMIT = 400;

/** What a page must hold; shared memory shares its cells. */
interface Cell {
  value: number;
}
interface ModelPage {
  readonly shared: boolean;
  cell: Cell;
}
interface Actor {
  readonly task: Task;
  readonly pages: (ModelPage | undefined)[];
}

export interface Load {
  readonly machine: Machine;
  readonly actors: Actor[];
  /** Areas that may be taken away, by path. */
  readonly areas: Map<string, SwapDevice>;
  /** Free frames, and those of the kernel's own objects, before the first process. */
  readonly freeAtStart: number;
}

export const loadStep = fc.record({
  who: fc.nat(7),
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constant('map' as const) },
    { weight: 6, arbitrary: fc.constant('fill' as const) },
    { weight: 4, arbitrary: fc.constant('check' as const) },
    { weight: 2, arbitrary: fc.constantFrom('pageout' as const, 'cold' as const, 'willneed' as const) },
    { weight: 2, arbitrary: fc.constantFrom('forget' as const, 'remove' as const, 'unmap' as const) },
    { weight: 2, arbitrary: fc.constantFrom('fork' as const, 'move' as const, 'swapoff' as const) },
    { weight: 1, arbitrary: fc.constantFrom('exit' as const) },
  ),
  at: fc.nat(ARENA_PAGES - 1),
  pages: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 100, max: 700 })),
  to: fc.nat(ARENA_PAGES - 1),
  shared: fc.boolean(),
  value: fc.integer({ min: 1, max: 2 ** 30 }),
});
export type LoadStep = typeof loadStep extends fc.Arbitrary<infer T> ? T : never;

/** A small machine with swap on three kinds of device, and one process, in a memory cgroup or not. */
export function startLoad(inGroup: boolean, hugePages: boolean): Load {
  const machine = new Machine({
    memory: hugePages ? MEMORY_WITH_HUGE_PAGES : MEMORY,
    contents: 'bytes',
    transparentHugePages: hugePages ? 'always' : 'never',
  });
  const { kernel } = machine;
  const areas = new Map([
    ['/dev/loop0', loop],
    ['/swapfile', disk],
  ]);
  for (const [path, device] of areas) expect(kernel.swapon({ path, device, slots: 8192 })).toBe(0);
  expect(kernel.swapon({ path: '/dev/zram0', device: zram, slots: 256, compression: 4, flags: 0x8000 | 5 })).toBe(0);
  const freeAtStart = spareFrames(machine);
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff) as Vpn);
  if (inGroup) {
    const group = kernel.cgroups.create('g');
    if (group === undefined) throw new Error('no group');
    group.memory.max = GROUP_LIMIT;
    task.mm.memcg = group.id;
  }
  return { machine, actors: [{ task, pages: emptyArena() }], areas, freeAtStart };
}

/** What is free, or kept for objects of the kernel that may be needed again. */
export function spareFrames({ kernel }: Machine): number {
  const { allocator, vmstat } = kernel;
  return allocator.free + vmstat.value(NR_SLAB_RECLAIMABLE) + vmstat.value(NR_SLAB_UNRECLAIMABLE);
}

const emptyArena = (): (ModelPage | undefined)[] => Array.from({ length: ARENA_PAGES }, () => undefined);
const addressOf = (page: number): number => ARENA + page * PAGE;
const bytesOf = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

export function runStep(load: Load, s: LoadStep): void {
  const { machine, actors } = load;
  const { kernel } = machine;
  const actor = actors[s.who % actors.length] as Actor;
  const { task, pages } = actor;
  const from = s.at;
  const to = Math.min(ARENA_PAGES, from + s.pages);
  const [address, length] = [addressOf(from), (to - from) * PAGE];
  machine.runOn(0, task);
  const advise = (advice: number): number => kernel.addressSpaces.madvise(task, address, length, advice);
  switch (s.what) {
    case 'map': {
      const flags = MAP_ANONYMOUS | MAP_FIXED | (s.shared ? MAP_SHARED : MAP_PRIVATE);
      expect(kernel.addressSpaces.mmap(task, address, length, PROT, flags, undefined, 0)).toBe(address);
      for (let i = from; i < to; i++) pages[i] = { shared: s.shared, cell: { value: 0 } };
      return;
    }
    case 'unmap':
      expect(kernel.addressSpaces.munmap(task, address, length)).toBe(0);
      pages.fill(undefined, from, to);
      return;
    case 'fill':
      for (let i = from; i < to; i++) write(machine, task, pages[i], i, s.value + i);
      return;
    case 'check':
      for (let i = from; i < to; i++) checkPage(machine, actor, i);
      return;
    case 'pageout':
      advise(MADV_PAGEOUT);
      return;
    case 'cold':
      advise(MADV_COLD);
      return;
    case 'willneed':
      advise(MADV_WILLNEED);
      return;
    case 'forget':
      advise(MADV_DONTNEED);
      for (const page of pages.slice(from, to)) if (page !== undefined && !page.shared) page.cell = { value: 0 };
      return;
    case 'remove': {
      const page = pages[from];
      const result = kernel.addressSpaces.madvise(task, address, PAGE, MADV_REMOVE);
      expect(result === 0).toBe(page?.shared === true);
      if (page?.shared) page.cell.value = 0;
      return;
    }
    case 'move':
      move(load, actor, from, to, s.to);
      return;
    case 'fork': {
      if (actors.length >= MOST_PROCESSES) return;
      const child = kernel.processes.fork(task);
      if (typeof child === 'number') throw new Error(`fork: ${child}`);
      actors.push({
        task: child,
        pages: pages.map((page) => page && (page.shared ? { ...page } : { ...page, cell: { ...page.cell } })),
      });
      return;
    }
    case 'exit':
      if (actors.length === 1) return;
      kernel.processes.exit(task.process, { exit: 0 });
      actors.splice(actors.indexOf(actor), 1);
      return;
    case 'swapoff': {
      const [path, device] = [...load.areas][s.value % load.areas.size] as [string, SwapDevice];
      // Without room for what is in it, it stays in use; else it is empty when it is put into use again.
      if (kernel.swapoff(path) === 0) expect(kernel.swapon({ path, device, slots: 8192 })).toBe(0);
    }
  }
}

function write(machine: Machine, task: Task, page: ModelPage | undefined, index: number, value: number): void {
  if (page === undefined) return;
  expect(machine.writeBytes(task, addressOf(index), bytesOf(value))).toBeUndefined();
  page.cell.value = value;
}

function checkPage(machine: Machine, { task, pages }: Actor, index: number): void {
  const page = pages[index];
  if (page === undefined) return;
  const bytes = machine.readBytes(task, addressOf(index), 4);
  if (!(bytes instanceof Uint8Array)) throw new Error(`page ${index}: signal ${bytes.signo}`);
  const found = new DataView(bytes.buffer).getInt32(0, true);
  if (found !== page.cell.value) throw new Error(`page ${index} of ${task.tid}: ${found}, expected ${page.cell.value}`);
}

function move({ machine }: Load, { task, pages }: Actor, from: number, to: number, target: number): void {
  const overlaps = target < to && from < target + (to - from);
  if (overlaps || target + (to - from) > ARENA_PAGES || pages.slice(from, to).includes(undefined)) return;
  const { addressSpaces } = machine.kernel;
  const flags = MREMAP_MAYMOVE | MREMAP_FIXED;
  const length = (to - from) * PAGE;
  // Of several mappings at once only the kernel's newest can move all; where it refuses, nothing has moved.
  const at = addressSpaces.mremap(task, addressOf(from), length, length, flags, addressOf(target));
  if (at !== addressOf(target)) return;
  pages.splice(target, to - from, ...pages.slice(from, to));
  pages.fill(undefined, from, to);
}

/** Every page of every process holds what it must. */
export function checkContents({ machine, actors }: Load): void {
  for (const actor of actors) {
    machine.runOn(0, actor.task);
    for (let i = 0; i < ARENA_PAGES; i++) checkPage(machine, actor, i);
  }
}
