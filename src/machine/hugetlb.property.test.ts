/**
 * Processes map huge pages, private and of shared files, write, read, forget, fork, cut files and exit at random, against
 * a model in which a page is an object and a promise a flag. What each touch answers, the pool's books after each step
 * and the contents must be the model's, and in the end nothing may be promised or missing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../kernel/page-cache/files.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_HUGETLB,
  MAP_PRIVATE,
  MAP_SHARED,
  MFD_HUGETLB,
  PROT_READ,
  PROT_WRITE,
  SIGBUS,
  SIGSEGV,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const HUGE = 2 ** 21;
const ARENA = 0x200000000000;
const SLOTS = 8;
const POOL = 7;
const RW = PROT_READ | PROT_WRITE;

/** A huge page: of a file, or private. `restores`: its owner gave it up while a child still had it. */
interface Page {
  value: number;
  readonly isPrivate: boolean;
  mappers: number;
  restores: boolean;
}
interface ModelFile {
  size: number;
  readonly pages: Map<number, Page>;
  /** Reserved for all who share the file, or there. */
  readonly reserved: Set<number>;
}
interface Slot {
  page: Page | undefined;
  writable: boolean;
  /** The owner's promise was used. */
  used: boolean;
}
interface Region {
  at: number;
  slots: Slot[];
  readonly shared: boolean;
  readonly file: ModelFile;
  base: number;
  readonly owner: boolean;
  taken: boolean;
  /** Has held private pages: a fork copies it. */
  anonymous: boolean;
}
interface Actor {
  readonly task: Task;
  regions: Region[];
}

class Model {
  readonly actors: Actor[] = [];
  readonly files: ModelFile[] = [];
  readonly live = new Set<Page>();

  get free(): number {
    return POOL - this.live.size;
  }

  get reserved(): number {
    const ofFiles = this.files.reduce((sum, { reserved, pages }) => sum + reserved.size - pages.size, 0);
    const owned = this.actors.flatMap(({ regions }) => regions).filter(({ owner }) => owner);
    const unused = owned.flatMap(({ slots }) => slots).filter(({ used }) => !used).length;
    return ofFiles + unused - [...this.live].filter(({ restores }) => restores).length;
  }

  make(promised: boolean, isPrivate: boolean): Page | undefined {
    if (!promised && this.free - this.reserved <= 0) return undefined;
    const page = { value: 0, isPrivate, mappers: 0, restores: false };
    this.live.add(page);
    return page;
  }

  drop(region: Region, slot: Slot): void {
    const { page } = slot;
    if (page === undefined) return;
    slot.page = undefined;
    slot.writable = false;
    if (region.owner && page.isPrivate) {
      page.restores = true;
      slot.used = false;
    }
    if (--page.mappers === 0 && page.isPrivate) this.live.delete(page);
  }

  regionAt(actor: Actor, at: number): Region | undefined {
    return actor.regions.find((region) => at >= region.at && at < region.at + region.slots.length);
  }

  unmap(actor: Actor, from: number, to: number): void {
    actor.regions = actor.regions.flatMap((region) => {
      const cut = (start: number, end: number): Region[] => {
        const [first, last] = [Math.max(start, region.at), Math.min(end, region.at + region.slots.length)];
        if (first >= last) return [];
        const slots = region.slots.slice(first - region.at, last - region.at);
        return [{ ...region, at: first, base: region.base + first - region.at, slots }];
      };
      for (const piece of cut(from, to)) for (const slot of piece.slots) this.drop(piece, slot);
      return [...cut(0, from), ...cut(to, SLOTS)];
    });
  }

  /** @returns the signal that the access raises, 0 for none */
  touch(actor: Actor, at: number, value: number | undefined): number {
    const region = this.regionAt(actor, at);
    if (region === undefined) return SIGSEGV;
    const slot = region.slots[at - region.at] as Slot;
    if (slot.page === undefined && !this.bring(region, slot, region.base + at - region.at)) return SIGBUS;
    if (value === undefined) return 0;
    if (!slot.writable && !region.shared && !this.own(region, slot)) return SIGBUS;
    (slot.page as Page).value = value;
    return 0;
  }

  bring(region: Region, slot: Slot, index: number): boolean {
    const { file, shared, owner } = region;
    if (region.taken) return false;
    let page = file.pages.get(index);
    if (page === undefined) {
      if (index >= file.size) return false;
      page = this.make(shared ? file.reserved.has(index) : owner && !slot.used, !shared);
      if (page === undefined) return false;
      if (shared) file.pages.set(index, page).size;
      if (shared) file.reserved.add(index);
      else region.anonymous = slot.used = true;
    }
    page.mappers++;
    slot.page = page;
    return true;
  }

  /** A private page is to be written to. */
  own(region: Region, slot: Slot): boolean {
    const old = slot.page as Page;
    slot.writable = true;
    if (old.isPrivate && old.mappers === 1) return true;
    const usedUp = region.owner && old.isPrivate;
    const copy = this.make(!usedUp && region.owner && !slot.used, true);
    if (copy === undefined) {
      slot.writable = false;
      if (!usedUp) return false;
      for (const other of this.actors.flatMap(({ regions }) => regions))
        for (const child of other.owner || other.shared ? [] : other.slots)
          if (child.page === old) {
            other.taken = true;
            this.drop(other, child);
          }
      slot.writable = old.mappers === 1;
      return slot.writable;
    }
    region.anonymous = true;
    slot.used = true;
    copy.value = old.value;
    copy.mappers = 1;
    if (--old.mappers === 0 && old.isPrivate) this.live.delete(old);
    slot.page = copy;
    return true;
  }

  /** Pages of a file from `first` up to `end` leave every mapping, private copies too, and the file. */
  cut(file: ModelFile, first: number, end: number, promisesToo: boolean): void {
    for (const region of this.actors.flatMap(({ regions }) => regions))
      region.slots.forEach((slot, i) => {
        const index = region.base + i;
        if (region.file === file && index >= first && index < end) this.drop(region, slot);
      });
    for (const [index, page] of [...file.pages])
      if (index >= first && index < end) {
        this.live.delete(page);
        file.pages.delete(index);
        file.reserved.delete(index);
      }
    for (const index of promisesToo ? [...file.reserved] : []) if (index >= first) file.reserved.delete(index);
  }
}

const step = fc.record({
  who: fc.nat(3),
  what: fc.constantFrom(
    'private',
    'private',
    'shared',
    'private file',
    'unmap',
    'write',
    'write',
    'write',
    'write',
    'read',
    'read',
    'forget',
    'fork',
    'exit',
    'truncate',
    'punch',
  ),
  at: fc.nat(SLOTS - 1),
  count: fc.integer({ min: 1, max: 4 }),
  index: fc.nat(3),
  value: fc.integer({ min: 1, max: 255 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(machine: Machine, model: Model, fd: number, s: Step): void {
  const actor = model.actors[s.who % model.actors.length] as Actor;
  const { task } = actor;
  const { addressSpaces, processes, files } = machine.kernel;
  const count = Math.min(s.count, SLOTS - s.at);
  const address = ARENA + s.at * HUGE;
  const named = model.files[0] as ModelFile;
  machine.runOn(0, task);
  switch (s.what) {
    case 'private':
    case 'shared':
    case 'private file': {
      model.unmap(actor, s.at, s.at + count);
      const shared = s.what === 'shared';
      const unnamed = s.what === 'private';
      const file = unnamed ? { size: count, pages: new Map(), reserved: new Set<number>() } : named;
      const base = unnamed ? 0 : s.index;
      const wanted = Array.from({ length: count }, (_, i) => base + i).filter((i) => !(shared && file.reserved.has(i)));
      const fits = wanted.length <= model.free - model.reserved;
      const kind = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) | (unnamed ? MAP_ANONYMOUS | MAP_HUGETLB : 0);
      const open = unnamed ? undefined : task.process.files.get(fd);
      const got = addressSpaces.mmap(task, address, count * HUGE, RW, kind, open, base * HUGE);
      expect(got === address).toBe(fits);
      if (!fits) return;
      if (shared) for (const index of wanted) file.reserved.add(index);
      file.size = Math.max(file.size, base + count);
      const slots = Array.from({ length: count }, () => ({ page: undefined, writable: false, used: false }));
      actor.regions.push({ at: s.at, slots, shared, file, base, owner: !shared, taken: false, anonymous: false });
      return;
    }
    case 'unmap':
      model.unmap(actor, s.at, s.at + count);
      expect(addressSpaces.munmap(task, address, count * HUGE)).toBe(0);
      return;
    case 'write':
      expect(machine.writeBytes(task, address, Uint8Array.of(s.value))?.signo ?? 0).toBe(
        model.touch(actor, s.at, s.value),
      );
      return;
    case 'read': {
      const signal = model.touch(actor, s.at, undefined);
      const bytes = machine.readBytes(task, address, 1);
      if (signal !== 0) expect(bytes).toMatchObject({ signo: signal });
      else expect(bytes).toEqual(Uint8Array.of(slotOf(model, actor, s.at)?.page?.value ?? -1));
      return;
    }
    case 'forget': {
      const region = model.regionAt(actor, s.at);
      const slot = slotOf(model, actor, s.at);
      addressSpaces.madvise(task, address, HUGE, MADV_DONTNEED);
      if (region !== undefined && slot !== undefined) model.drop(region, slot);
      return;
    }
    case 'fork': {
      if (model.actors.length > 3) return;
      const child = processes.fork(task);
      if (typeof child === 'number') throw new Error('no fork');
      const regions = actor.regions.map((region) => ({
        ...region,
        owner: false,
        taken: false,
        slots: region.slots.map((slot) => {
          if (region.shared || !region.anonymous) return { page: undefined, writable: false, used: false };
          if (slot.page !== undefined) slot.page.mappers++;
          slot.writable = false;
          return { page: slot.page, writable: false, used: false };
        }),
      }));
      model.actors.push({ task: child, regions });
      return;
    }
    case 'exit':
      if (model.actors.length === 1) return;
      model.unmap(actor, 0, SLOTS);
      model.actors.splice(model.actors.indexOf(actor), 1);
      processes.exit(task.process, { exit: 0 });
      return;
    case 'truncate':
      model.cut(named, s.index, Number.POSITIVE_INFINITY, true);
      named.size = s.index;
      expect(files.ftruncate(task, fd, s.index * HUGE)).toBe(0);
      return;
    default:
      model.cut(named, s.index, s.index + count, false);
      files.fallocate(task, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, s.index * HUGE, count * HUGE);
  }
}

const slotOf = (model: Model, actor: Actor, at: number): Slot | undefined => {
  const region = model.regionAt(actor, at);
  return region?.slots[at - region.at];
};

test('is a reservation of huge pages ever lost, whoever maps, forks, cuts and exits?', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const machine = new Machine({ memory: 64 << 20, contents: 'bytes' });
      const { kernel } = machine;
      kernel.sysctl('vm.nr_hugepages', POOL);
      const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
      machine.runOn(0, task);
      const fd = kernel.files.memfdCreate(task, 'f', MFD_HUGETLB);
      const model = new Model();
      model.actors.push({ task, regions: [] });
      model.files.push({ size: 0, pages: new Map(), reserved: new Set() });
      const pool = kernel.hugetlb.default;
      for (const s of steps) {
        run(machine, model, fd, s);
        expect([pool.free.length, pool.reserved], JSON.stringify(s)).toEqual([model.free, model.reserved]);
      }
      expect(checkInvariants(kernel)).toEqual([]);
      for (const actor of model.actors) kernel.processes.exit(actor.task.process, { exit: 0 });
      expect([pool.total, pool.free.length, pool.reserved, pool.surplus]).toEqual([POOL, POOL, 0, 0]);
    }),
    { numRuns: 150 },
  );
});
