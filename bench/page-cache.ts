/** Reads of cached 4 KiB pages through pread, all accounting included, and what the page cache spends on a page. */
import { PAGE_SIZE, vpn } from '../src/hardware/units.ts';
import { ext4FileSystem } from '../src/kernel/page-cache/file-system.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../src/kernel/uapi.ts';
import { Machine } from '../src/machine/machine.ts';
import { cpuSeconds } from './cpu-clock.ts';

const PAGES = 100_000;
const READS = 4_000_000;
/** A prime that visits the pages in an order that no prefetcher knows. */
const STRIDE = 7919;
const STACK_TOP = vpn(0x7ffff7fff);

export interface PageCacheFigures {
  /** One page after the other. */
  readonly sequentialReadsPerSecond: number;
  /** The same pages all over the file. */
  readonly randomReadsPerSecond: number;
  /** All over a file whose pages are cached one by one, without large folios. */
  readonly smallFolioReadsPerSecond: number;
  /** Frame table, LRU links and reverse map are its columns; the index belongs to the file. */
  readonly bytesPerCachedPage: number;
}

/** Reads a file into the cache, and then each of its pages again and again; the best of `rounds` counts. */
export function measurePageCache(rounds: number): PageCacheFigures {
  const large = cachedReads(true, rounds);
  const small = cachedReads(false, rounds);
  return {
    sequentialReadsPerSecond: large.sequential,
    randomReadsPerSecond: large.random,
    smallFolioReadsPerSecond: small.random,
    bytesPerCachedPage: Math.max(large.bytesPerPage, small.bytesPerPage),
  };
}

function cachedReads(
  largeFolios: boolean,
  rounds: number,
): { sequential: number; random: number; bytesPerPage: number } {
  const machine = new Machine({ memory: 2 * PAGES * PAGE_SIZE });
  const { processes, addressSpaces, files } = machine.kernel;
  const task = processes.spawn('bench', STACK_TOP);
  machine.runOn(0, task);
  const prot = PROT_READ | PROT_WRITE;
  const buffer = addressSpaces.mmap(task, 0, PAGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  const inode = files.create('/f', { size: PAGES * PAGE_SIZE, fs: ext4FileSystem(1, { largeFolios }) });
  const fd = files.install(task, files.openInode(inode, O_RDWR));
  const read = (stride: number): number => {
    const start = cpuSeconds();
    let page = 0;
    for (let i = 0; i < READS; i++) {
      if (files.pread(task, fd, buffer, PAGE_SIZE, page * PAGE_SIZE) !== PAGE_SIZE) throw new Error('a short read');
      page += stride;
      if (page >= PAGES) page -= PAGES;
    }
    return READS / (cpuSeconds() - start);
  };
  let sequential = 0;
  let random = 0;
  for (let round = 0; round < rounds; round++) {
    sequential = Math.max(sequential, read(1));
    random = Math.max(random, read(STRIDE));
  }
  if (inode.pages.present !== PAGES) throw new Error('the file is not in the cache');
  return { sequential, random, bytesPerPage: bytesPerFrame(machine) + inode.pages.bytes / inode.pages.present };
}

/** Every column of the frame table: a cached page has its frame's row. */
function bytesPerFrame({ kernel }: Machine): number {
  const columns = Object.values(kernel.table).filter((column) => ArrayBuffer.isView(column));
  return columns.reduce((sum, column) => sum + column.byteLength, 0) / kernel.table.frames;
}
