/** Reclaim: how many pages a second go to swap and come back, and how many clean pages of files are dropped. */
import { STORE } from '../src/hardware/cpu.ts';
import { PAGE_SIZE, vpn } from '../src/hardware/units.ts';
import { ext4FileSystem } from '../src/kernel/page-cache/file-system.ts';
import type { Task } from '../src/kernel/process/process.ts';
import { zram } from '../src/kernel/swap/swap-devices.ts';
import { MADV_PAGEOUT, MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../src/kernel/uapi.ts';
import { PGSTEAL_FILE, PSWPIN, PSWPOUT } from '../src/kernel/vmstat.ts';
import { Machine } from '../src/machine/machine.ts';
import { cpuSeconds } from './cpu-clock.ts';

const PAGES = 200_000;
/** Enough for all pages, and for what zram makes of them. */
const MEMORY = 2 * PAGES * PAGE_SIZE;
const STACK_TOP = vpn(0x7ffff7fff);
const PROT = PROT_READ | PROT_WRITE;

export interface SwapFigures {
  /** MADV_PAGEOUT of memory that was just written, to zram. */
  readonly swapOutsPerSecond: number;
  /** A store to each of these pages, the fault included. */
  readonly swapInsPerSecond: number;
  /** Stores all over twice as much memory as there is: faults, reclaim, swap-outs and swap-ins together. */
  readonly thrashingSwapsPerSecond: number;
  /** Direct reclaim of a file that was read once, page by page. */
  readonly reclaimedPerSecond: number;
  /** The same of a file that is cached in large folios. */
  readonly reclaimedInFoliosPerSecond: number;
}

export function measureSwap(rounds: number): SwapFigures {
  const best = { out: 0, in: 0, thrash: 0, file: 0, folios: 0 };
  for (let round = 0; round < rounds; round++) {
    const swapped = outAndIn();
    best.out = Math.max(best.out, swapped.out);
    best.in = Math.max(best.in, swapped.in);
    best.thrash = Math.max(best.thrash, thrash());
    best.file = Math.max(best.file, reclaimFile(false));
    best.folios = Math.max(best.folios, reclaimFile(true));
  }
  return {
    swapOutsPerSecond: best.out,
    swapInsPerSecond: best.in,
    thrashingSwapsPerSecond: best.thrash,
    reclaimedPerSecond: best.file,
    reclaimedInFoliosPerSecond: best.folios,
  };
}

function boot(memory: number): { machine: Machine; task: Task; at: number; pages: number } {
  const machine = new Machine({ memory, transparentHugePages: 'never' });
  const { processes, addressSpaces } = machine.kernel;
  const task = processes.spawn('bench', STACK_TOP);
  machine.runOn(0, task);
  const error = machine.kernel.swapon({ path: '/dev/zram0', device: zram, slots: 4 * PAGES, compression: 3 });
  if (error !== 0) throw new Error(`swapon: ${error}`);
  const at = addressSpaces.mmap(task, 0, PAGES * PAGE_SIZE, PROT, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  return { machine, task, at, pages: PAGES };
}

/** Events of a kind a second of CPU time. */
function rate(machine: Machine, items: readonly number[], work: () => void): number {
  const count = (): number => items.reduce((sum, item) => sum + machine.kernel.vmstat.value(item), 0);
  const [before, start] = [count(), cpuSeconds()];
  work();
  return (count() - before) / (cpuSeconds() - start);
}

function touchAll(machine: Machine, task: Task, at: number, pages: number): void {
  for (let page = 0; page < pages; page++) machine.touch(task, at + page * PAGE_SIZE, STORE);
}

function outAndIn(): { out: number; in: number } {
  const { machine, task, at, pages } = boot(MEMORY);
  touchAll(machine, task, at, pages);
  const out = rate(machine, [PSWPOUT], () => {
    machine.kernel.addressSpaces.madvise(task, at, pages * PAGE_SIZE, MADV_PAGEOUT);
  });
  return { out, in: rate(machine, [PSWPIN], () => touchAll(machine, task, at, pages)) };
}

function thrash(): number {
  const { machine, task, at, pages } = boot(PAGES * PAGE_SIZE * 0.75);
  touchAll(machine, task, at, pages);
  return rate(machine, [PSWPOUT, PSWPIN], () => touchAll(machine, task, at, pages));
}

function reclaimFile(largeFolios: boolean): number {
  const { machine, task } = boot(MEMORY);
  const { files, addressSpaces, reclaim } = machine.kernel;
  const buffer = addressSpaces.mmap(task, 0, PAGE_SIZE * 64, PROT, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  const inode = files.create('/f', { size: PAGES * PAGE_SIZE, fs: ext4FileSystem(1, { largeFolios }) });
  const fd = files.install(task, files.openInode(inode, O_RDWR));
  for (let page = 0; page < PAGES; page += 64) files.pread(task, fd, buffer, 64 * PAGE_SIZE, page * PAGE_SIZE);
  return rate(machine, [PGSTEAL_FILE], () => {
    while (inode.pages.present > PAGES / 10) reclaim.direct();
  });
}
