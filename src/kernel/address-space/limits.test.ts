import { expect, test } from 'vitest';
import { vpn } from '../../hardware/units.ts';
import { EAGAIN, ENOMEM, EPERM } from '../errno.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MCL_CURRENT,
  MCL_FUTURE,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_AS,
  RLIMIT_DATA,
  RLIMIT_MEMLOCK,
  RLIMIT_STACK,
} from '../uapi.ts';
import { at, BASE, pages, SmallWorld } from './fixtures/small-world.ts';
import { OVERCOMMIT_NEVER } from './overcommit.ts';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

function map(world: SmallWorld, page: number, count: number, prot = RW, flags = ANON): number {
  return world.spaces.mmap(world.task, at(page), pages(count), prot, flags, undefined, 0);
}

function limit(world: SmallWorld, which: number, count: number): void {
  world.task.process.rlimits.soft[which] = pages(count);
  world.task.process.rlimits.hard[which] = pages(count);
}

test('does RLIMIT_AS count every page, and a replaced mapping only once?', () => {
  const world = new SmallWorld();
  limit(world, RLIMIT_AS, 10);
  expect(map(world, 0, 6)).toBe(at(0));
  expect(map(world, 6, 5)).toBe(-ENOMEM);
  expect(map(world, 2, 8, PROT_READ)).toBe(at(2));
  expect(world.mm.totalVm).toBe(10);
  world.spaces.munmap(world.task, at(0), pages(10));
  expect(world.mm.totalVm).toBe(0);
  expect(world.mm.hiwaterVm).toBe(10);
});

test('does RLIMIT_DATA count private writable memory, and mprotect towards it?', () => {
  const world = new SmallWorld();
  limit(world, RLIMIT_DATA, 4);
  expect(map(world, 0, 8, PROT_READ)).toBe(at(0));
  expect(map(world, 8, 8, RW, ANON - MAP_PRIVATE + MAP_SHARED)).toBe(at(8));
  expect(map(world, 16, 8, RW, ANON | MAP_GROWSDOWN)).toBe(at(16));
  expect(world.spaces.mprotect(world.task, at(0), pages(5), RW)).toBe(-ENOMEM);
  expect(world.spaces.mprotect(world.task, at(0), pages(4), RW)).toBe(0);
  expect(map(world, 30, 1)).toBe(-ENOMEM);
  expect(world.mm.dataVm).toBe(4);
  expect(world.mm.stackVm).toBe(8);
});

test('is locked memory limited for users, each call with the error of its own?', () => {
  const world = new SmallWorld();
  const { credentials } = world.task.process;
  credentials.ipcLock = false;
  limit(world, RLIMIT_MEMLOCK, 4);
  map(world, 0, 8);
  expect(world.spaces.mlock(world.task, at(0), pages(5))).toBe(-ENOMEM);
  expect(world.spaces.mlock(world.task, at(0), pages(4))).toBe(0);
  expect(world.spaces.mlock(world.task, at(0), pages(4))).toBe(0);
  expect(world.spaces.mlock(world.task, at(1), pages(4))).toBe(-ENOMEM);
  expect(map(world, 20, 1, RW, ANON | MAP_LOCKED)).toBe(-EAGAIN);
  expect(world.spaces.mlockall(world.task, MCL_CURRENT)).toBe(-ENOMEM);
  expect(world.spaces.mlockall(world.task, MCL_FUTURE)).toBe(0);
  expect(map(world, 20, 1)).toBe(-EAGAIN);
  world.spaces.munlockall(world.task);
  expect(world.mm.lockedVm).toBe(0);
  limit(world, RLIMIT_MEMLOCK, 0);
  expect(world.spaces.mlock(world.task, at(0), pages(1))).toBe(-EPERM);
  credentials.ipcLock = true;
  expect(world.spaces.mlock(world.task, at(0), pages(8))).toBe(0);
});

test('does a stack stop at its limit and 256 pages above what can be accessed?', () => {
  const world = new SmallWorld();
  limit(world, RLIMIT_STACK, 2048);
  map(world, 4000, 1, RW, ANON | MAP_GROWSDOWN);
  const stack = world.mm.vmas.find(BASE + 4000);
  if (stack === undefined) throw new Error('no stack');
  const grows = (page: number): boolean => world.spaces.expandStack(world.task, stack, vpn(BASE + page));
  expect(grows(4000 - 2048)).toBe(false);
  expect(grows(4000 - 2047)).toBe(true);
  limit(world, RLIMIT_STACK, 100_000);
  map(world, 1000, 2);
  expect(grows(1002 + 255)).toBe(false);
  expect(grows(1002 + 256)).toBe(true);
  world.spaces.mprotect(world.task, at(1000), pages(2), 0);
  expect(grows(1002)).toBe(true);
  expect(stack.pgoff).toBe(stack.start);
  expect(world.mm.stackVm).toBe(stack.pages);
});

test('may a mapping be cut at vm.max_map_count only where it does not become three?', () => {
  const world = new SmallWorld();
  world.params.maxMapCount = 2;
  map(world, 0, 10);
  map(world, 20, 1);
  expect(map(world, 40, 1)).toBe(at(40));
  expect(map(world, 60, 1)).toBe(-ENOMEM);
  expect(world.spaces.munmap(world.task, at(2), pages(1))).toBe(-ENOMEM);
  expect(world.spaces.mprotect(world.task, at(0), pages(1), PROT_READ)).toBe(-ENOMEM);
  expect(world.spaces.munmap(world.task, at(0), pages(1))).toBe(0);
  expect(world.layout()).toBe('1+9 20+1 40+1');
});

test('is what a mapping was promised given back, wherever its parts end up?', () => {
  const world = new SmallWorld();
  const { commitments } = world;
  map(world, 0, 100);
  expect(commitments.committed).toBe(100);
  map(world, 100, 50, PROT_READ);
  map(world, 200, 50, RW, ANON | MAP_NORESERVE);
  expect(commitments.committed).toBe(100);
  world.spaces.mprotect(world.task, at(100), pages(50), RW);
  expect(commitments.committed).toBe(150);
  world.spaces.mprotect(world.task, at(100), pages(20), PROT_READ);
  expect(commitments.committed).toBe(130);
  world.touch(0);
  world.spaces.mprotect(world.task, at(0), pages(20), PROT_READ);
  expect(commitments.committed).toBe(130);
  world.spaces.mremap(world.task, at(40), pages(10), pages(30), 3, at(1000));
  expect(commitments.committed).toBe(150);
  world.spaces.exitMmap(world.mm);
  expect(commitments.committed).toBe(0);
});

test('does strict overcommit refuse what exceeds the limit, reserves for root and for recovery included?', () => {
  const world = new SmallWorld();
  world.params.overcommitMemory = OVERCOMMIT_NEVER;
  const { commitments, task } = world;
  const { process } = task;
  expect(commitments.limit).toBe(1 << 19);
  world.mm.totalVm = 3200;
  expect(commitments.promise(process, world.mm, (1 << 19) - 100)).toBe(false);
  expect(commitments.promise(process, world.mm, (1 << 19) - 101)).toBe(true);
  commitments.release((1 << 19) - 101);
  process.credentials.sysAdmin = false;
  expect(commitments.promise(process, world.mm, (1 << 19) - 101)).toBe(false);
  expect(commitments.promise(process, world.mm, (1 << 19) - 2149)).toBe(true);
  world.params.overcommitKbytes = 400;
  expect(commitments.limit).toBe(100);
});
