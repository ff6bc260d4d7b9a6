import { LOAD } from '../../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { MADV_RANDOM, MAP_SHARED, O_RDONLY, PROT_READ } from '../../../kernel/uapi.ts';
import type { ServiceProcess } from '../service-process.ts';

/**
 * The files of a Lucene segment that queries read, with their share of its bytes. Which are mapped and which are read is
 * Elasticsearch's choice for hybridfs, the default store (LuceneFilesExtensions.java; reference, "Store", index.store.type).
 * The shares are assumed, for text with doc values and _source: see what `ls -l` says of an index of your own.
 */
export const LUCENE_FILES = {
  termsIndex: { extension: 'tip', share: 0.01, mapped: true },
  termDictionary: { extension: 'tim', share: 0.06, mapped: true },
  postings: { extension: 'doc', share: 0.25, mapped: true },
  norms: { extension: 'nvd', share: 0.03, mapped: true },
  docValues: { extension: 'dvd', share: 0.25, mapped: true },
  storedFields: { extension: 'fdt', share: 0.4, mapped: false },
} as const;
export type LuceneFile = keyof typeof LUCENE_FILES;

/** Pages of an index that queries asked for, and how many of them had to be fetched from the disk first. */
export interface PageCount {
  touched: number;
  missed: number;
}

interface OpenFile {
  readonly fd: number;
  /** Where it is mapped; 0 when it is read. */
  readonly address: number;
  readonly pages: number;
}

/** A segment of an index: files that never change, some mapped, some read. */
export class LuceneSegment {
  /** How much of the index it is. */
  readonly share: number;
  readonly #service: ServiceProcess;
  readonly #files: ReadonlyMap<LuceneFile, OpenFile>;
  readonly #counts: PageCount;

  /** @param path without an extension @param bytes of all files @param counts what is added up over all segments */
  constructor(
    service: ServiceProcess,
    counts: PageCount,
    { path, bytes, share, random }: { path: string; bytes: number; share: number; random: boolean },
  ) {
    this.#service = service;
    this.#counts = counts;
    this.share = share;
    const entries = Object.entries(LUCENE_FILES).map(([name, file]): [LuceneFile, OpenFile] => {
      const pages = Math.max(1, Math.ceil((bytes * file.share) / PAGE_SIZE));
      return [name as LuceneFile, this.#open(`${path}.${file.extension}`, pages, file.mapped, random)];
    });
    this.#files = new Map(entries);
  }

  #open(path: string, pages: number, mapped: boolean, random: boolean): OpenFile {
    const { machine, task } = this.#service;
    const { files, addressSpaces } = machine.kernel;
    files.create(path, { size: pages * PAGE_SIZE });
    const fd = this.#service.call('openat', () => files.open(task, path, O_RDONLY));
    if (!mapped) return { fd, address: 0, pages };
    const bytes = pages * PAGE_SIZE;
    const address = this.#service.map(fd, bytes, PROT_READ, MAP_SHARED);
    if (random) this.#service.call('madvise', () => addressSpaces.madvise(task, address, bytes, MADV_RANDOM));
    return { fd, address, pages };
  }

  pages(file: LuceneFile): number {
    return this.#files.get(file)?.pages ?? 0;
  }

  /** Loads from `count` pages of a mapped file, from page `first` on, round the end. */
  load(file: LuceneFile, first: number, count: number): void {
    const open = this.#files.get(file);
    if (open === undefined) return;
    const { task } = this.#service;
    for (let i = 0; i < Math.min(count, open.pages); i++) {
      const majors = task.majFlt;
      this.#service.touch(open.address + ((first + i) % open.pages) * PAGE_SIZE, 1, LOAD);
      this.#counts.touched++;
      if (task.majFlt > majors) this.#counts.missed++;
    }
  }

  /** Reads `count` pages of a file that is not mapped into the program's memory, as far as the file goes (pread). */
  read(file: LuceneFile, first: number, count: number, buffer: number): void {
    const open = this.#files.get(file);
    if (open === undefined) return;
    const { machine, task } = this.#service;
    const { files } = machine.kernel;
    const from = first % open.pages;
    const pages = Math.min(count, open.pages - from);
    const cached = files.cachestat(task, open.fd, from * PAGE_SIZE, pages * PAGE_SIZE);
    const bytes = pages * PAGE_SIZE;
    this.#service.call('pread64', () => files.pread(task, open.fd, buffer, bytes, from * PAGE_SIZE), true);
    this.#counts.touched += pages;
    this.#counts.missed += pages - (typeof cached === 'number' ? 0 : cached.cache);
  }
}
