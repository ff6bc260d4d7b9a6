/** Random calls on an address space, against a plain array of pages that knows nothing of mappings. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EINVAL, ENOMEM } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import type { AnonVma } from '../rmap/anon-vma.ts';
import {
  MADV_DOFORK,
  MADV_DONTFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../uapi.ts';
import { at, BASE, pages, SmallWorld } from './fixtures/small-world.ts';
import { Mm } from './mm.ts';
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_EXEC,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_SHARED,
  VM_WRITE,
} from './vm-flags.ts';
import { indexOf } from './vma.ts';

const WINDOW = 24;

/** What a page of the window is, undefined where nothing is mapped. */
interface Page {
  prot: number;
  shared: boolean;
  file: File | undefined;
  /** In the file, in pages. */
  offset: number;
  locked: boolean;
  dontFork: boolean;
  /** Where the reverse map will look for the anonymous page that is here: its anon_vma and its index. */
  anonymous: { anonVma: AnonVma; index: number } | undefined;
}

const RW = PROT_READ | PROT_WRITE;

/** Mostly private writable memory with pages: there merges have most to get wrong. */
const operation = fc.record({
  kind: fc.constantFrom(
    ...([
      'map',
      'map',
      'map',
      'file',
      'unmap',
      'protect',
      'protect',
      'move',
      'move',
      'lock',
      'unlock',
      'fork',
    ] as const),
    ...(['touch', 'touch', 'touch', 'touch'] as const),
  ),
  from: fc.nat(WINDOW - 1),
  count: fc.integer({ min: 1, max: 6 }),
  to: fc.nat(WINDOW - 1),
  prot: fc.constantFrom(RW, RW, RW, PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC),
  shared: fc.constantFrom(false, false, false, true),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Pair {
  readonly world = new SmallWorld();
  readonly files: readonly File[] = [this.world.file(), this.world.file()];
  readonly model: (Page | undefined)[] = Array.from({ length: 2 * WINDOW }, () => undefined);

  apply({ kind, from, count, to, prot, shared }: Operation): void {
    const { spaces, task } = this.world;
    const [address, bytes] = [at(from), pages(count)];
    const range = this.model.slice(from, from + count);
    const hole = range.indexOf(undefined);
    switch (kind) {
      case 'map':
      case 'file':
        // Offsets run along with addresses, so that neighbours often fit.
        this.#map(from, count, kind === 'file' ? this.files[to % 2] : undefined, from + (to % 3), prot, shared);
        break;
      case 'unmap':
        expect(spaces.munmap(task, address, bytes)).toBe(0);
        this.model.fill(undefined, from, from + count);
        break;
      case 'protect':
        expect(spaces.mprotect(task, address, bytes, prot)).toBe(hole < 0 ? 0 : -ENOMEM);
        for (const page of upTo(range, hole)) page.prot = prot;
        break;
      case 'lock':
        expect(spaces.mlock(task, address, bytes)).toBe(hole < 0 ? 0 : -ENOMEM);
        for (const page of upTo(range, hole)) page.locked = true;
        break;
      case 'unlock':
        expect(spaces.munlock(task, address, bytes)).toBe(hole < 0 ? 0 : -ENOMEM);
        for (const page of upTo(range, hole)) page.locked = false;
        break;
      case 'fork':
        // The advice reaches what lies behind a hole too.
        spaces.madvise(task, address, bytes, shared ? MADV_DONTFORK : MADV_DOFORK);
        for (const page of range) if (page !== undefined) page.dontFork = shared;
        break;
      case 'touch':
        this.#touch(from);
        break;
      case 'move':
        this.#move(from, count, to);
        break;
    }
  }

  #map(from: number, count: number, file: File | undefined, offset: number, prot: number, shared: boolean): void {
    const { spaces, task } = this.world;
    const flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) | (file === undefined ? MAP_ANONYMOUS : 0);
    expect(spaces.mmap(task, at(from), pages(count), prot, flags, file, pages(offset))).toBe(at(from));
    const backing = file ?? (shared ? this.world.mm.vmas.lookup(BASE + from)?.file : undefined);
    for (let i = 0; i < count; i++) {
      const inFile = file === undefined ? i : offset + i;
      const fresh = { locked: false, dontFork: false, anonymous: undefined };
      this.model[from + i] = { prot, shared, file: backing, offset: inFile, ...fresh };
    }
  }

  /** The first store to a page of private memory. */
  #touch(page: number): void {
    const model = this.model[page];
    const vma = this.world.mm.vmas.lookup(BASE + page);
    if (model === undefined || model.shared || vma === undefined || model.anonymous !== undefined) return;
    this.world.touch(page);
    if (vma.anonVma !== undefined) model.anonymous = { anonVma: vma.anonVma, index: indexOf(vma, BASE + page) };
  }

  #move(from: number, count: number, to: number): void {
    const { spaces, task } = this.world;
    const source = this.model.slice(from, from + count);
    if (source.includes(undefined)) return;
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    const result = spaces.mremap(task, at(from), pages(count), pages(count), flags, at(to));
    if (Math.abs(from - to) < count) {
      expect(result).toBe(-EINVAL);
      return;
    }
    expect(result).toBe(at(to));
    this.model.fill(undefined, from, from + count);
    this.model.splice(to, count, ...source);
  }

  /** The mappings, page by page, are what the model says. */
  checkPages(mm: Mm = this.world.mm, isForked = false): void {
    const found: (Omit<Page, 'anonymous'> | undefined)[] = Array.from({ length: 2 * WINDOW }, () => undefined);
    for (const vma of mm.vmas) {
      for (let page: number = vma.start; page < vma.end; page++) {
        found[page - BASE] = {
          prot: vma.flags & VM_ACCESS_FLAGS,
          shared: (vma.flags & VM_SHARED) !== 0,
          file: vma.file,
          offset: vma.file === undefined ? 0 : vma.pgoff + page - vma.start,
          locked: (vma.flags & VM_LOCKED_MASK) !== 0,
          dontFork: (vma.flags & VM_DONTCOPY) !== 0,
        };
        const anonymous = this.model[page - BASE]?.anonymous;
        if (anonymous === undefined) continue;
        expect(vma.anonVmaChain).toContain(anonymous.anonVma);
        expect(indexOf(vma, page)).toBe(anonymous.index);
      }
    }
    const expected = this.model.map((page) => {
      if (page === undefined || (isForked && page.dontFork)) return undefined;
      const { anonymous: _, ...rest } = page;
      return { ...rest, offset: page.file === undefined ? 0 : page.offset, locked: page.locked && !isForked };
    });
    expect(found).toEqual(expected);
  }

  /** Counters and reverse maps are what a recount finds. */
  checkBooks(promised: number): void {
    const { mm, anonVmas, commitments } = this.world;
    const all = [...mm.vmas];
    const count = (chosen: (flags: number) => boolean): number =>
      all.filter((vma) => chosen(vma.flags)).reduce((sum, vma) => sum + vma.pages, 0);
    expect(mm.totalVm).toBe(count(() => true));
    expect(mm.dataVm).toBe(count((flags) => (flags & (VM_WRITE | VM_SHARED)) === VM_WRITE));
    expect(mm.execVm).toBe(count((flags) => (flags & (VM_EXEC | VM_WRITE)) === VM_EXEC));
    expect(mm.lockedVm).toBe(count((flags) => (flags & VM_LOCKED) !== 0));
    expect(commitments.committed - promised).toBe(count((flags) => (flags & VM_ACCOUNT) !== 0));
    for (const file of this.files) expect(new Set(all.filter((vma) => vma.file === file))).toEqual(file.inode.mappings);
    for (const vma of all) {
      expect(vma.anonVmaChain.every((anonVma) => anonVma.vmas.has(vma))).toBe(true);
      if (vma.anonVma !== undefined) expect(vma.anonVmaChain).toContain(vma.anonVma);
    }
    const used = new Set(all.flatMap((vma) => vma.anonVmaChain));
    expect(anonVmas.count).toBe(used.size);
    for (const anonVma of used) {
      expect([...anonVma.vmas].every((vma) => all.includes(vma))).toBe(true);
      expect(anonVma.active).toBe(all.filter((vma) => vma.anonVma === anonVma).length);
    }
  }
}

/** The pages of a range as far as the first hole. */
const upTo = (range: readonly (Page | undefined)[], hole: number): Page[] =>
  (hole < 0 ? range : range.slice(0, hole)).filter((page) => page !== undefined);

/** Shared anonymous memory was promised as a whole when it was made; this file layer never gives it back. */
const promisedForShared = (ops: readonly Operation[]): number =>
  ops.filter((op) => op.kind === 'map' && op.shared).reduce((sum, op) => sum + op.count, 0);

test('do mappings agree with an array of pages, and counters with a recount, whatever is called?', () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 20, maxLength: 80 }), (ops) => {
      const pair = new Pair();
      for (const op of ops) pair.apply(op);
      pair.checkPages();
      pair.checkBooks(promisedForShared(ops));
    }),
    { numRuns: 500 },
  );
});

test('does a fork copy what it should, and does the end of both give everything back?', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (ops) => {
      const pair = new Pair();
      for (const op of ops) pair.apply(op);
      const { world, files } = pair;
      const child = new Mm(2, world.mm.pgd, world.mm.mmapBase);
      world.spaces.dupMmap(world.task.process, world.mm, child, (from, to) => {
        world.anonVmas.fork(from, to);
        return true;
      });
      pair.checkPages(child, true);
      expect(child.lockedVm).toBe(0);
      world.spaces.exitMmap(world.mm);
      pair.checkPages(child, true);
      world.spaces.exitMmap(child);
      expect(world.commitments.committed).toBe(promisedForShared(ops));
      expect(world.anonVmas.count).toBe(0);
      expect(files.every((file) => file.inode.mappings.size === 0)).toBe(true);
      expect([world.mm.totalVm, world.mm.dataVm, world.mm.lockedVm, child.totalVm]).toEqual([0, 0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});
