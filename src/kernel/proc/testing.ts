/** A process made by hand for the tests of this folder: mappings and pages stand exactly where a test puts them. */
import { entryHi, entryLo, PTE_ACCESSED, PTE_PRESENT, PTE_USER } from '../../hardware/paging/entry.ts';
import { PhysicalMemory } from '../../hardware/physical-memory.ts';
import { type Pfn, pageOf, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { Mm } from '../address-space/mm.ts';
import { Vma } from '../address-space/vma.ts';
import { FrameTable } from '../frames/frame-table.ts';
import { File } from '../page-cache/file.ts';
import { ext4FileSystem } from '../page-cache/file-system.ts';
import { makeInode } from '../page-cache/inode.ts';
import { PageTables } from '../page-table/page-tables.ts';
import { defaultThpSettings } from '../thp/settings.ts';

const FRAMES = 4096;
const FIRST_TABLE = 2048;

export class HandMadeProcess {
  readonly table: FrameTable = new FrameTable(FRAMES);
  readonly memory: PhysicalMemory = new PhysicalMemory(FRAMES);
  readonly pageTables: PageTables;
  readonly mm: Mm;
  /** Every place in swap is referred to by two entries. */
  readonly swap = { references: (): number => 2 };
  readonly thp = { settings: defaultThpSettings('madvise') };
  #nextTable = FIRST_TABLE;
  #nextFrame = 1;

  constructor() {
    const source = {
      allocateTable: () => pfn(this.#nextTable++),
      releaseTable: () => {},
      keepSpare: () => {},
      takeSpare: () => pfn(0),
    };
    this.pageTables = new PageTables(this.memory, source);
    this.mm = new Mm(1, pfn(this.#nextTable++), vpn(0x7ffff7fff));
  }

  /** @param start and end: byte addresses */
  map(start: number, end: number, flags: number, more: Partial<Pick<Vma, 'file' | 'special' | 'pgoff'>> = {}): Vma {
    const vma = new Vma(this.mm, pageOf(start), pageOf(end), flags, more.pgoff ?? 0, more.file, more.special);
    this.mm.vmas.insert(vma);
    return vma;
  }

  /** Puts a page at an address: `mapping` below 0 is anonymous, `entry` flags come on top of a present, young entry. */
  page(at: Vpn, frame: { flags?: number; mapcount?: number; mapping?: number } = {}, entry = 0): Pfn {
    const pfnOfPage = pfn(this.#nextFrame++);
    this.table.flags[pfnOfPage] = frame.flags ?? 0;
    this.table.mapcount[pfnOfPage] = frame.mapcount ?? 1;
    this.table.mapping[pfnOfPage] = frame.mapping ?? -1;
    this.entry(at, entryLo(pfnOfPage, PTE_PRESENT | PTE_USER | PTE_ACCESSED | entry), entryHi(pfnOfPage, 0));
    return pfnOfPage;
  }

  /** Writes an entry as it is. */
  entry(at: Vpn, lo: number, hi: number): void {
    this.pageTables.set(this.pageTables.findOrCreate(this.mm, at), lo, hi);
  }
}

/** A file of device 254:0. */
export function fileNamed(name: string, ino: number): File {
  const fs = ext4FileSystem(254 << 20);
  const inode = makeInode({ id: ino, ino, name, kind: 'file', fs, size: 1 << 20 });
  return new File(ino, inode, 0, 32);
}
