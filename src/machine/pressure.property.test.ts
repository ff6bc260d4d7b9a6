/** Whatever runs on a machine that is far too small: nothing is lost, locked pages stay, the books agree, and reclaim gets on. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nvme } from '../hardware/block-device.ts';
import { vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { emptyBacking } from '../kernel/page-cache/backing.ts';
import type { Task } from '../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { PGSCAN_ANON, PGSCAN_FILE, PGSTEAL_ANON, PGSTEAL_FILE } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';

const PAGE = 4096;
const RW = PROT_READ | PROT_WRITE;
/** Each of four processes has this many pages, swap has room for all of them, the machine and the limit not: nobody has to die. */
const PAGES = 1000;
const FILE_PAGES = 2000;
const MOST_PROCESSES = 4;
const LOCKED = 60;

interface Process {
  readonly task: Task;
  readonly at: number;
  /** The byte at the beginning of each page that was stored. */
  readonly bytes: Map<number, number>;
  /** First page of the locked ones, -1 for none. */
  locked: number;
}

/** A machine with its processes, and a plain model of what their memory and the file hold. */
class World {
  readonly machine: Machine;
  readonly processes: Process[] = [];
  readonly file = new Map<number, number>();
  readonly #fd: number;
  readonly #buffer: number;

  constructor(mglru: number, timed: boolean, groups: boolean) {
    this.machine = new Machine({
      memory: 12 << 20,
      swap: 24 << 20,
      contents: 'bytes',
      transparentHugePages: 'never',
      mglru,
      cgroups: 1,
      ...(timed ? { disk: nvme } : {}),
    });
    const { kernel } = this.machine;
    const task = kernel.processes.spawn('p', vpn(0x7ffff7fff));
    if (groups) {
      const group = kernel.cgroups.create('g');
      if (group !== undefined) {
        group.memory.max = 1500;
        task.mm.memcg = group.id;
      }
    }
    this.machine.runOn(0, task);
    const map = (pages: number) =>
      kernel.addressSpaces.mmap(task, 0, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
    this.#buffer = map(8);
    const at = map(PAGES);
    kernel.files.create('/f', { size: FILE_PAGES * PAGE, backing: emptyBacking() });
    this.#fd = kernel.files.open(task, '/f', O_RDWR);
    this.processes.push({ task, at, bytes: new Map(), locked: -1 });
  }

  process(n: number): Process {
    const process = this.processes[n % this.processes.length] as Process;
    this.machine.runOn(0, process.task);
    return process;
  }

  store({ task, at, bytes }: Process, page: number, value: number): void {
    this.machine.writeBytes(task, at + page * PAGE, Uint8Array.of(value));
    bytes.set(page, value);
  }

  check({ task, at, bytes }: Process, page: number): void {
    expect((this.machine.readBytes(task, at + page * PAGE, 1) as Uint8Array)[0]).toBe(bytes.get(page) ?? 0);
  }

  fork(parent: Process): void {
    if (this.processes.length >= MOST_PROCESSES) return;
    const task = this.machine.kernel.processes.fork(parent.task);
    if (typeof task !== 'number')
      this.processes.push({ task, at: parent.at, bytes: new Map(parent.bytes), locked: -1 });
  }

  exit(n: number): void {
    if (this.processes.length === 1) return;
    const [process] = this.processes.splice(n % this.processes.length, 1);
    if (process !== undefined) this.machine.kernel.processes.exit(process.task.process, { exit: 0 });
  }

  lock(process: Process, page: number): void {
    const { addressSpaces } = this.machine.kernel;
    if (process.locked >= 0) addressSpaces.munlock(process.task, process.at + process.locked * PAGE, LOCKED * PAGE);
    process.locked = Math.min(page, PAGES - LOCKED);
    expect(addressSpaces.mlock(process.task, process.at + process.locked * PAGE, LOCKED * PAGE)).toBe(0);
  }

  writeFile({ task }: Process, page: number, value: number): void {
    const { files } = this.machine.kernel;
    this.machine.writeBytes(task, this.#buffer, Uint8Array.of(value));
    expect(files.pwrite(task, this.#fd, this.#buffer, PAGE, page * PAGE)).toBe(PAGE);
    this.file.set(page, value);
  }

  readFile({ task }: Process, page: number): void {
    const { files } = this.machine.kernel;
    expect(files.pread(task, this.#fd, this.#buffer, PAGE, page * PAGE)).toBe(PAGE);
    expect((this.machine.readBytes(task, this.#buffer, 1) as Uint8Array)[0]).toBe(this.file.get(page) ?? 0);
  }

  /** Pages that are locked are there, whatever was reclaimed meanwhile. */
  checkLocked(): void {
    for (const { task, at, locked } of this.processes) {
      if (locked < 0) continue;
      this.machine.runOn(0, task);
      const majors = task.majFlt;
      for (let page = locked; page < locked + LOCKED; page++) this.machine.readBytes(task, at + page * PAGE, 1);
      expect(task.majFlt).toBe(majors);
    }
  }
}

const page = fc.nat(PAGES - 1);
const step = fc.record({
  what: fc.constantFrom('store', 'store', 'sweep', 'load', 'write', 'read', 'stream', 'fork', 'exit', 'lock'),
  who: fc.nat(MOST_PROCESSES - 1),
  page,
  value: fc.integer({ min: 1, max: 255 }),
});

function run(world: World, steps: readonly { what: string; who: number; page: number; value: number }[]): void {
  for (const { what, who, page: first, value } of steps) {
    const process = world.process(who);
    const last = Math.min(PAGES, first + 700);
    if (what === 'store') for (let at = first; at < last; at += 3) world.store(process, at, value);
    else if (what === 'sweep') for (let at = first; at < last; at++) world.store(process, at, value);
    else if (what === 'load') for (let at = first; at < last; at += 5) world.check(process, at);
    else if (what === 'write')
      for (let at = first; at < Math.min(FILE_PAGES, first + 300); at++) world.writeFile(process, at, value);
    else if (what === 'read')
      for (let at = first; at < Math.min(FILE_PAGES, first + 50); at++) world.readFile(process, at);
    else if (what === 'stream') for (let at = 0; at < FILE_PAGES; at += 2) world.readFile(process, at);
    else if (what === 'fork') world.fork(process);
    else if (what === 'exit') world.exit(who);
    else world.lock(process, first);
    world.machine.clock.settle();
  }
}

/** Pages looked at for a page that was freed: more than this is no progress (measured: at most 8 in 96 runs). */
const MOST_SCANS = 30;

describe.each([
  ['the classic lists', 0],
  ['generations', 7],
] as const)('with %s', (_name, mglru) => {
  test.each([
    ['without time', false, false],
    ['on a disk', true, false],
    ['under a limit', false, true],
    ['under a limit, on a disk', true, true],
  ])('is nothing lost and does reclaim get on, %s?', (_case, timed, groups) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 8, maxLength: 24 }), (steps) => {
        const world = new World(mglru, timed, groups);
        run(world, steps);
        world.checkLocked();
        expect(checkInvariants(world.machine.kernel)).toEqual([]);
        for (const process of world.processes) {
          world.machine.runOn(0, process.task);
          for (const at of process.bytes.keys()) world.check(process, at);
        }
        for (const at of world.file.keys()) world.readFile(world.process(0), at);
        const { vmstat } = world.machine.kernel;
        const scanned = vmstat.value(PGSCAN_ANON) + vmstat.value(PGSCAN_FILE);
        const freed = vmstat.value(PGSTEAL_ANON) + vmstat.value(PGSTEAL_FILE);
        expect(scanned).toBeLessThanOrEqual(MOST_SCANS * freed + 4096);
        for (const { task } of world.processes) world.machine.kernel.processes.exit(task.process, { exit: 0 });
        expect(checkInvariants(world.machine.kernel)).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });
});
