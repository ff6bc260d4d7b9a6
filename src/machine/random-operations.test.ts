/**
 * Several processes map, protect, write, read, move, forget and fork at random in 48 pages each, against a model that is
 * an array of pages. Contents must be the model's, permissions too, and every invariant must hold at the end.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const ARENA = 0x200000000000;
const PAGES = 48;
const PAGE = 4096;

/** A page of the model: its rights, and the cell that holds its first byte; shared memory shares the cell. */
interface ModelPage {
  prot: number;
  shared: boolean;
  cell: { value: number };
}
interface Actor {
  task: Task;
  pages: (ModelPage | undefined)[];
}

const place = fc.record({ at: fc.nat(PAGES - 1), pages: fc.integer({ min: 1, max: 12 }) });
const prot = fc.constantFrom(0, PROT_READ, PROT_READ | PROT_WRITE);
const step = fc.record({
  who: fc.nat(7),
  what: fc.constantFrom(
    'map',
    'map',
    'unmap',
    'protect',
    'write',
    'write',
    'write',
    'read',
    'read',
    'forget',
    'move',
    'fork',
    'exit',
  ),
  place,
  to: fc.nat(PAGES - 1),
  prot,
  shared: fc.boolean(),
  value: fc.integer({ min: 1, max: 255 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(machine: Machine, actors: Actor[], s: Step): void {
  const actor = actors[s.who % actors.length] as Actor;
  const { task, pages } = actor;
  const { addressSpaces, processes } = machine.kernel;
  const from = s.place.at;
  const to = Math.min(PAGES, from + s.place.pages);
  const address = ARENA + from * PAGE;
  const length = (to - from) * PAGE;
  machine.runOn(0, task);
  switch (s.what) {
    case 'map': {
      const kind = s.shared ? MAP_SHARED : MAP_PRIVATE;
      expect(addressSpaces.mmap(task, address, length, s.prot, kind | MAP_ANONYMOUS | MAP_FIXED, undefined, 0)).toBe(
        address,
      );
      for (let i = from; i < to; i++) pages[i] = { prot: s.prot, shared: s.shared, cell: { value: 0 } };
      return;
    }
    case 'unmap':
      expect(addressSpaces.munmap(task, address, length)).toBe(0);
      pages.fill(undefined, from, to);
      return;
    case 'protect': {
      const hole = pages.findIndex((page, i) => i >= from && i < to && page === undefined);
      expect(addressSpaces.mprotect(task, address, length, s.prot) === 0).toBe(hole < 0);
      for (let i = from; i < (hole < 0 ? to : hole); i++) (pages[i] as ModelPage).prot = s.prot;
      return;
    }
    case 'write': {
      const page = pages[from];
      const signal = machine.writeBytes(task, address, Uint8Array.of(s.value));
      expect(signal?.signo).toBe(page !== undefined && page.prot & PROT_WRITE ? undefined : SIGSEGV);
      if (signal === undefined) (page as ModelPage).cell.value = s.value;
      return;
    }
    case 'read': {
      const page = pages[from];
      const bytes = machine.readBytes(task, address, 1);
      if (page === undefined || page.prot === 0) expect(bytes).toMatchObject({ signo: SIGSEGV });
      else expect(bytes).toEqual(Uint8Array.of(page.cell.value));
      return;
    }
    case 'forget':
      addressSpaces.madvise(task, address, length, MADV_DONTNEED);
      for (let i = from; i < to; i++) {
        const page = pages[i];
        if (page !== undefined && !page.shared) page.cell = { value: 0 };
      }
      return;
    case 'move': {
      const overlap = s.to < to && from < s.to + (to - from);
      if (overlap || s.to + (to - from) > PAGES || pages.slice(from, to).includes(undefined)) return;
      const target = ARENA + s.to * PAGE;
      expect(addressSpaces.mremap(task, address, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, target)).toBe(target);
      pages.splice(s.to, to - from, ...pages.slice(from, to));
      pages.fill(undefined, from, to);
      return;
    }
    case 'fork': {
      if (actors.length >= 5) return;
      const child = processes.fork(task);
      expect(typeof child).toBe('object');
      const copy = pages.map((page) => page && { ...page, cell: page.shared ? page.cell : { ...page.cell } });
      actors.push({ task: child as Task, pages: copy });
      return;
    }
    case 'exit':
      if (actors.length === 1) return;
      processes.exit(task.process, { exit: 0 });
      actors.splice(actors.indexOf(actor), 1);
  }
}

test('do random operations of several processes keep contents, rights and every invariant?', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
      const machine = new Machine({ memory: 16 << 20, contents: 'bytes' });
      const actors: Actor[] = [
        { task: machine.kernel.processes.spawn('a', (0x7ffff7fff000 / PAGE) as never), pages: [] },
      ];
      (actors[0] as Actor).pages = Array.from({ length: PAGES }, () => undefined);
      for (const s of steps) run(machine, actors, s);
      expect(checkInvariants(machine.kernel)).toEqual([]);
      for (const { task, pages } of actors) {
        machine.runOn(0, task);
        pages.forEach((page, i) => {
          if (page === undefined || page.prot === 0) return;
          expect(machine.readBytes(task, ARENA + i * PAGE, 1)).toEqual(Uint8Array.of(page.cell.value));
        });
      }
      const free = machine.kernel.allocator.free;
      for (const { task } of actors) machine.kernel.processes.exit(task.process, { exit: 0 });
      expect(checkInvariants(machine.kernel)).toEqual([]);
      expect(machine.kernel.allocator.free).toBeGreaterThanOrEqual(free);
      expect(machine.kernel.commitments.committed).toBe(0);
    }),
    { numRuns: 150 },
  );
});
