/** The cases of the kernel's own tests (tools/testing/selftests/mm/merge.c, mremap_test.c), by the mappings they leave. */
import { expect, test } from 'vitest';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../uapi.ts';
import { at, pages, SmallWorld } from './fixtures/small-world.ts';
import { Mm } from './mm.ts';
import { VM_MAYBE_GUARD } from './vm-flags.ts';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
const MOVE = MREMAP_MAYMOVE | MREMAP_FIXED;

class World extends SmallWorld {
  map(page: number, count: number, prot: number = RW, flags: number = ANON): void {
    expect(this.spaces.mmap(this.task, at(page), pages(count), prot, flags, undefined, 0)).toBe(at(page));
  }

  protect(page: number, count: number, prot: number): void {
    expect(this.spaces.mprotect(this.task, at(page), pages(count), prot)).toBe(0);
  }

  move(from: number, count: number, to: number, flags: number = MOVE): void {
    const result = this.spaces.mremap(this.task, at(from), pages(count), pages(count), flags, at(to));
    expect(result).toBe(at(to));
  }
}

test('does new memory join a neighbour of its kind, below, above, or both?', () => {
  const world = new World();
  world.map(0, 4);
  world.map(8, 4);
  expect(world.layout()).toBe('0+4 8+4');
  world.map(4, 4);
  expect(world.layout()).toBe('0+12');
  world.map(12, 1, PROT_READ);
  expect(world.layout()).toBe('0+12 12+1');
});

test('do mappings whose pages belong to two anon_vmas stay apart, and does what lies between join the lower?', () => {
  const world = new World();
  world.map(0, 4);
  world.touch(0);
  world.map(8, 4);
  world.touch(8);
  world.map(4, 4);
  expect(world.layout()).toBe('0+8 8+4');
});

test.each([
  ['the left faulted, the right not', 0, '0+9'],
  ['the middle faulted', 3, '0+9'],
  ['the right faulted, the left not', 6, '0+9'],
])('does mprotect of the middle join three mappings with %s?', (_case, faulted, layout) => {
  const world = new World();
  // Without a promise of memory, which only mappings with pages would keep when they become read-only.
  world.map(0, 9, RW, ANON | MAP_NORESERVE);
  world.protect(0, 3, PROT_READ);
  world.protect(6, 3, PROT_READ);
  expect(world.layout()).toBe('0+3 3+3 6+3');
  world.touch(faulted);
  world.protect(3, 3, PROT_READ);
  expect(world.layout()).toBe(layout);
});

test('does mprotect of a part shrink one mapping and grow its neighbour?', () => {
  const world = new World();
  world.map(0, 10);
  world.protect(0, 5, PROT_READ);
  world.protect(5, 2, PROT_READ);
  expect(world.layout()).toBe('0+7 7+3');
  world.protect(4, 3, RW);
  expect(world.layout()).toBe('0+4 4+6');
  world.protect(2, 1, PROT_NONE);
  expect(world.layout()).toBe('0+2 2+1 3+1 4+6');
});

test('does unfaulted memory take the index of the place it moves to, and merge there?', () => {
  const world = new World();
  world.map(0, 5);
  world.touch(0);
  world.map(1000, 5);
  world.move(1000, 5, 5);
  expect(world.layout()).toBe('0+10');
});

test('does faulted memory merge only where it came from?', () => {
  const world = new World();
  world.map(0, 10);
  world.touch(0);
  world.touch(5);
  world.move(5, 5, 1000);
  expect(world.layout()).toBe('0+5 1000+5');
  world.move(1000, 5, 5);
  expect(world.layout()).toBe('0+10');
  world.map(100, 5);
  world.touch(100);
  world.move(100, 5, 10);
  expect(world.layout()).toBe('0+10 10+5');
});

test('may a moved mapping merge with the rest of itself?', () => {
  const world = new World();
  world.map(0, 6);
  world.move(0, 3, 6);
  expect(world.layout()).toBe('3+6');
});

test('does memory of a forked child stay apart from memory that the parent never had?', () => {
  const world = new World();
  world.map(0, 3);
  world.touch(0);
  const child = new Mm(2, world.mm.pgd, world.mm.mmapBase);
  const forked = world.spaces.dupMmap(world.task.process, world.mm, child, (from, to) => {
    world.anonVmas.fork(from, to);
    return true;
  });
  expect(forked).toBe(0);
  world.task.process.mm = child;
  world.map(3, 3);
  expect(world.layout(child)).toBe('0+3 3+3');
  world.move(0, 3, 100, MOVE | MREMAP_DONTUNMAP);
  world.map(97, 3);
  expect(world.layout(child)).toBe('0+3 3+3 97+3 100+3');
});

test('do file mappings merge by offset, and only of the same open file?', () => {
  const world = new World();
  const [first, second] = [world.file(), world.file()];
  const map = (page: number, count: number, file: typeof first, offset: number): number =>
    world.spaces.mmap(world.task, at(page), pages(count), PROT_READ, MAP_PRIVATE | MAP_FIXED, file, pages(offset));
  map(0, 4, first, 0);
  map(4, 4, first, 4);
  expect(world.layout()).toBe('0+8');
  map(8, 4, first, 4);
  map(12, 4, second, 8);
  expect(world.layout()).toBe('0+8 8+4 12+4');
  expect(first.inode.mappings.size).toBe(2);
});

test('are two shared anonymous mappings two files?', () => {
  const world = new World();
  world.map(0, 4, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
  world.map(4, 4, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
  expect(world.layout()).toBe('0+4 4+4');
});

test('does the mark of guard regions keep no mappings apart, and survive a merge?', () => {
  const world = new World();
  world.map(0, 4);
  const first = world.mm.vmas.find(at(0) / pages(1));
  if (first !== undefined) first.flags |= VM_MAYBE_GUARD;
  world.map(4, 4);
  world.protect(2, 2, PROT_READ | PROT_EXEC);
  world.protect(2, 2, RW);
  expect(world.layout()).toBe('0+8');
  expect((world.mm.vmas.find(at(7) / pages(1))?.flags ?? 0) & VM_MAYBE_GUARD).toBe(VM_MAYBE_GUARD);
});
