/** Places as the kernel gave them (linux-facts: vma_01, 07, 08, 09, 28), counted in pages from the top. */
import { expect, test } from 'vitest';
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { EINVAL, ENOMEM, EPERM } from '../errno.ts';
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  RLIM_INFINITY,
} from '../uapi.ts';
import { SmallWorld } from './fixtures/small-world.ts';
import { mmapBase, TASK_SIZE } from './layout.ts';
import { VM_GROWSDOWN } from './vm-flags.ts';

const MiB = 1 << 20;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/** Places one mapping; the answer is its byte address, or a negated errno. */
function place(world: SmallWorld, bytes: number, more: { hint?: number; flags?: number; prot?: number } = {}): number {
  const { hint = 0, flags = ANON, prot = PROT_NONE } = more;
  return world.spaces.mmap(world.task, hint, bytes, prot, flags, undefined, 0);
}
const top = (world: SmallWorld): number => world.mm.mmapBase * PAGE_SIZE;

test('is the base what x86 computes from the stack limit?', () => {
  expect(mmapBase(8 * MiB) * PAGE_SIZE).toBe(0x7ffff7fff000);
  expect(mmapBase(0) * PAGE_SIZE).toBe(0x7ffff7fff000);
  expect(mmapBase(512 * MiB) * PAGE_SIZE).toBe(TASK_SIZE - 513 * MiB);
  expect(mmapBase(RLIM_INFINITY) * PAGE_SIZE).toBe(0x155555556000);
  expect(mmapBase(8 * MiB, 1)).toBe(mmapBase(8 * MiB, 0) - 1);
});

test('does each mapping go to the top of the highest hole that is large enough?', () => {
  const world = new SmallWorld();
  const first = place(world, 4 * PAGE_SIZE);
  expect(first).toBe(top(world) - 4 * PAGE_SIZE);
  const second = place(world, 4 * PAGE_SIZE, { prot: PROT_READ });
  const third = place(world, 8 * PAGE_SIZE);
  expect(second).toBe(first - 4 * PAGE_SIZE);
  world.spaces.munmap(world.task, second, 4 * PAGE_SIZE);
  expect(place(world, 2 * PAGE_SIZE)).toBe(second + 2 * PAGE_SIZE);
  expect(place(world, 3 * PAGE_SIZE)).toBe(third - 3 * PAGE_SIZE);
});

test('is anonymous memory aligned when its length is a multiple of 2 MiB, and only then?', () => {
  const world = new SmallWorld();
  place(world, PAGE_SIZE);
  expect(place(world, 2 * MiB) % (2 * MiB)).toBe(0);
  const unaligned = place(world, 3 * MiB, { prot: PROT_READ });
  expect(unaligned % (2 * MiB)).not.toBe(0);
  expect(place(world, 4 * MiB) % (2 * MiB)).toBe(0);
  const other = new SmallWorld();
  place(other, PAGE_SIZE);
  expect(place(other, 4 * MiB, { flags: MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE })).toBe(
    top(other) - PAGE_SIZE - 4 * MiB,
  );
});

test('is a file on a disk aligned by address less offset, whatever its length from 2 MiB on?', () => {
  const world = new SmallWorld();
  const file = world.file();
  for (const [bytes, offset] of [
    [3 * MiB, 0],
    [4 * MiB, PAGE_SIZE],
    [5 * MiB, MiB],
  ] as const) {
    const address = world.spaces.mmap(world.task, 0, bytes, PROT_READ, MAP_PRIVATE, file, offset);
    expect((address - offset) % (2 * MiB)).toBe(0);
  }
  const small = new SmallWorld();
  // Of these 2 MiB from offset 4 KiB on, no aligned 2 MiB can be one huge page.
  expect(small.spaces.mmap(small.task, 0, 2 * MiB, PROT_READ, MAP_PRIVATE, small.file(), PAGE_SIZE)).toBe(
    top(small) - 2 * MiB,
  );
  const memory = new SmallWorld();
  expect(memory.spaces.mmap(memory.task, 0, 3 * MiB, PROT_READ, MAP_SHARED, memory.file('shmem'), 0)).toBe(
    top(memory) - 3 * MiB,
  );
});

test('is a hint taken when it is free, rounded to a page, and raised above the lowest address?', () => {
  const world = new SmallWorld();
  expect(place(world, PAGE_SIZE, { hint: 0x200000004123 })).toBe(0x200000004000);
  expect(place(world, 4 * PAGE_SIZE, { hint: 0x200000002000 })).not.toBe(0x200000002000);
  expect(place(world, PAGE_SIZE, { hint: 0x1001 })).toBe(0x10000);
  expect(place(world, PAGE_SIZE, { hint: TASK_SIZE })).toBeLessThan(top(world));
});

test('does a stack keep its 256 pages from what is placed below it?', () => {
  const world = new SmallWorld();
  const stack = place(world, PAGE_SIZE, { flags: ANON, prot: PROT_READ });
  const vma = world.mm.vmas.find(vpn(stack / PAGE_SIZE));
  if (vma !== undefined) vma.flags |= VM_GROWSDOWN;
  expect(place(world, PAGE_SIZE)).toBe(stack - 257 * PAGE_SIZE);
  expect(place(world, PAGE_SIZE, { hint: stack - 200 * PAGE_SIZE })).toBe(stack - 258 * PAGE_SIZE);
});

test('does the search go on from a third of the address space when nothing is free below the base?', () => {
  const world = new SmallWorld();
  place(world, top(world) - 0x10000, { flags: ANON | MAP_FIXED, hint: 0x10000 });
  expect(place(world, PAGE_SIZE)).toBe(top(world));
  expect(place(world, 2 * 2 ** 40)).toBe(-ENOMEM);
  expect(place(new SmallWorld(), PAGE_SIZE, { flags: ANON | MAP_32BIT })).toBe(0x40000000);
});

test('are places that cannot be refused in the order of the kernel?', () => {
  const world = new SmallWorld();
  expect(place(world, 0)).toBe(-EINVAL);
  expect(place(world, 2 ** 47)).toBe(-ENOMEM);
  expect(place(world, PAGE_SIZE, { hint: 0x1001, flags: ANON | MAP_FIXED })).toBe(-EINVAL);
  expect(place(world, PAGE_SIZE, { hint: TASK_SIZE, flags: ANON | MAP_FIXED })).toBe(-ENOMEM);
  expect(place(world, PAGE_SIZE, { hint: 0, flags: ANON | MAP_FIXED })).toBe(0);
  world.task.process.credentials.sysRawio = false;
  expect(place(world, PAGE_SIZE, { hint: 0, flags: ANON | MAP_FIXED })).toBe(-EPERM);
  expect(place(world, PAGE_SIZE, { hint: 0x1000, flags: ANON | MAP_FIXED })).toBe(0x1000);
});
