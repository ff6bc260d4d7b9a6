/** What page faults do, seen from a program: counts, signals, frames. The rules are those of linux-facts 1, 3 and 7. */
import { describe, expect, test } from 'vitest';
import { FETCH, LOAD, STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { MM_ANONPAGES } from '../kernel/address-space/mm.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MADV_DONTNEED,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  SEGV_ACCERR,
  SEGV_MAPERR,
  SEGV_PKUERR,
  SI_KERNEL,
  SIGKILL,
  SIGSEGV,
} from '../kernel/uapi.ts';
import { PGREUSE } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';

const RW = PROT_READ | PROT_WRITE;
const PAGE = 4096;
const AT = 0x200000000000;

function boot(options: MachineOptions = {}): {
  machine: Machine;
  task: Task;
  map: (pages: number, prot?: number) => number;
} {
  const machine = new Machine({ memory: 32 << 20, contents: 'bytes', ...options });
  const task = machine.kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const map = (pages: number, prot = RW): number =>
    machine.kernel.addressSpaces.mmap(task, 0, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  return { machine, task, map };
}

const segv = (code: number, address: number) => ({ signo: SIGSEGV, code, address });

describe('anonymous memory', () => {
  test('does a page that is only read cost no frame, and its first write a second fault?', () => {
    const { machine, task, map } = boot();
    const at = map(1);
    const free = machine.kernel.allocator.free;
    machine.touch(task, at, LOAD);
    expect([task.minFlt, task.mm.rss[MM_ANONPAGES]]).toEqual([1, 0]);
    expect(free - machine.kernel.allocator.free).toBe(3);
    machine.touch(task, at, STORE);
    expect([task.minFlt, task.mm.rss[MM_ANONPAGES]]).toEqual([2, 1]);
    machine.touch(task, at, LOAD);
    expect(task.minFlt).toBe(2);
  });

  test('does memory that is forgotten read as zeros again?', () => {
    const { machine, task, map } = boot();
    const at = map(2);
    machine.writeBytes(
      task,
      at + 4090,
      Uint8Array.from({ length: 12 }, (_, i) => i + 1),
    );
    expect(machine.readBytes(task, at + 4090, 12)).toEqual(Uint8Array.from({ length: 12 }, (_, i) => i + 1));
    expect(machine.kernel.addressSpaces.madvise(task, at, 2 * PAGE, MADV_DONTNEED)).toBe(0);
    expect(machine.readBytes(task, at + 4090, 12)).toEqual(new Uint8Array(12));
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });

  test('is a process killed that wants more than the machine has?', () => {
    const { machine, task, map } = boot({ memory: 4 << 20 });
    // The kernel promises each of them, as each alone would fit.
    const parts = [map(800), map(800)];
    const signals = parts.flatMap((at) =>
      Array.from({ length: 800 }, (_, page) => machine.touch(task, at + page * PAGE, STORE)?.signo),
    );
    expect(signals.indexOf(SIGKILL)).toBeGreaterThan(800);
    expect(task.process.ending).toEqual({ signal: SIGKILL });
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });
});

describe('accesses that end in a signal', () => {
  test('which code tells of which wrong?', () => {
    const { machine, task, map } = boot();
    const readOnly = map(1, PROT_READ);
    const none = map(1, PROT_NONE);
    const execOnly = map(1, PROT_EXEC);
    expect(machine.touch(task, 8, LOAD)).toEqual(segv(SEGV_MAPERR, 8));
    expect(machine.touch(task, readOnly, STORE)).toEqual(segv(SEGV_ACCERR, readOnly));
    expect(machine.touch(task, none + 5, LOAD)).toEqual(segv(SEGV_ACCERR, none + 5));
    expect(machine.touch(task, execOnly, LOAD)).toEqual(segv(SEGV_PKUERR, execOnly));
    expect(machine.touch(task, readOnly, FETCH)).toEqual(segv(SEGV_ACCERR, readOnly));
    expect(machine.touch(task, 0xffff800000000000, LOAD)).toEqual(segv(SEGV_MAPERR, 0xffff800000000000));
    expect(machine.touch(task, 0x8000000000000000, LOAD)).toEqual(segv(SI_KERNEL, 0));
    expect(machine.touch(task, execOnly, FETCH)).toBeUndefined();
  });

  test('does a guard region keep its mapping whole and refuse every access until it is taken away?', () => {
    const { machine, task, map } = boot();
    const at = map(4);
    machine.touch(task, at + PAGE, STORE);
    const { addressSpaces } = machine.kernel;
    expect(addressSpaces.madvise(task, at, 2 * PAGE, MADV_GUARD_INSTALL)).toBe(0);
    expect(machine.touch(task, at + PAGE, LOAD)).toEqual(segv(SEGV_MAPERR, at + PAGE));
    expect(addressSpaces.madvise(task, at, 4 * PAGE, MADV_DONTNEED)).toBe(0);
    expect(machine.touch(task, at, STORE)).toEqual(segv(SEGV_MAPERR, at));
    expect(addressSpaces.madvise(task, at, 2 * PAGE, MADV_GUARD_REMOVE)).toBe(0);
    expect(machine.readBytes(task, at + PAGE, 1)).toEqual(new Uint8Array(1));
    expect(task.mm.vmas.count).toBe(1);
  });

  test('does a stack grow to the page touched, and stop a megabyte above its neighbour?', () => {
    const { machine, task } = boot();
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    const { addressSpaces } = machine.kernel;
    addressSpaces.mmap(task, AT, PAGE, RW, flags, undefined, 0);
    const stack = AT + 300 * PAGE;
    addressSpaces.mmap(task, stack, PAGE, RW, flags | MAP_GROWSDOWN, undefined, 0);
    expect(machine.touch(task, AT + 257 * PAGE, STORE)).toBeUndefined();
    expect(machine.touch(task, AT + 256 * PAGE, STORE)).toEqual(segv(SEGV_MAPERR, AT + 256 * PAGE));
    expect(task.mm.stackVm).toBe(44);
  });
});

describe('fork', () => {
  test('does the first writer copy, and the last one keep the page for one more fault?', () => {
    const { machine, task, map } = boot();
    const at = map(1);
    machine.writeBytes(task, at, Uint8Array.of(7));
    const child = machine.kernel.processes.fork(task) as Task;
    machine.runOn(0, child);
    machine.writeBytes(child, at, Uint8Array.of(8));
    expect(child.minFlt).toBe(1);
    machine.runOn(0, task);
    expect(machine.readBytes(task, at, 1)).toEqual(Uint8Array.of(7));
    expect(task.minFlt).toBe(1);
    const reused = machine.kernel.vmstat.value(PGREUSE);
    machine.writeBytes(task, at, Uint8Array.of(9));
    expect(task.minFlt).toBe(2);
    expect(machine.kernel.vmstat.value(PGREUSE) - reused).toBe(1);
    machine.runOn(0, child);
    expect(machine.readBytes(child, at, 1)).toEqual(Uint8Array.of(8));
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });

  test('does a child that shares the address space write where its parent reads?', () => {
    const { machine, task, map } = boot();
    const at = map(1);
    const child = machine.kernel.processes.fork(task, { vm: true }) as Task;
    machine.runOn(0, child);
    machine.writeBytes(child, at, Uint8Array.of(3));
    machine.kernel.processes.exit(child.process, { exit: 0 });
    machine.runOn(0, task);
    expect(machine.readBytes(task, at, 1)).toEqual(Uint8Array.of(3));
  });

  test('do all frames come back when everybody is gone?', () => {
    const { machine, task, map } = boot();
    const before = machine.kernel.allocator.free;
    const at = map(200);
    for (let page = 0; page < 200; page++) machine.touch(task, at + page * PAGE, STORE);
    const child = machine.kernel.processes.fork(task) as Task;
    machine.kernel.processes.exit(task.process, { exit: 0 });
    machine.kernel.processes.exit(child.process, { signal: 9 });
    expect(machine.kernel.allocator.free).toBe(before + 1);
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });
});

describe('several CPUs', () => {
  test('does memory that one CPU unmaps fault on the other?', () => {
    const { machine, task, map } = boot({ cpus: 2 });
    const at = map(1);
    const thread = machine.kernel.processes.addThread(task.process);
    machine.runOn(1, thread);
    machine.touch(thread, at, STORE);
    machine.runOn(0, task);
    machine.touch(task, at, LOAD);
    machine.kernel.addressSpaces.munmap(task, at, PAGE);
    machine.runOn(1, thread);
    expect(machine.touch(thread, at, LOAD)).toEqual(segv(SEGV_MAPERR, at));
    expect(machine.kernel.tlb.shootdowns).toBe(1);
  });
});
