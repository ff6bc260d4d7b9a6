import { Bdi, type BdiState, restoreBdi, saveBdi } from './bdi.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';

/** Every device that files are written back to (bdi_list), and which of them have dirty files. */
export class Bdis {
  readonly #bdis = new Map<number, Bdi>();
  readonly #dirtyInodes: ReadonlySet<Inode>;

  /** @param dirtyInodes files with dirty pages, in the order in which they became dirty */
  constructor(dirtyInodes: ReadonlySet<Inode>) {
    this.#dirtyInodes = dirtyInodes;
  }

  /** The device of a file system, as write-back sees it. */
  of(fs: FileSystem): Bdi {
    let bdi = this.#bdis.get(fs.dev);
    if (bdi === undefined) {
      bdi = new Bdi(fs);
      this.#bdis.set(fs.dev, bdi);
    }
    return bdi;
  }

  /** The devices that have dirty files, in the order in which they got them. */
  withDirty(): Bdi[] {
    const devices = new Set<Bdi>();
    for (const inode of this.#dirtyInodes) devices.add(this.of(inode.fs));
    return [...devices];
  }

  hasDirty(bdi: Bdi): boolean {
    for (const inode of this.#dirtyInodes) if (inode.dev === bdi.fs.dev) return true;
    return false;
  }

  /** Some device's thread has work. */
  get isAnyBusy(): boolean {
    for (const bdi of this.#bdis.values()) if (bdi.work !== undefined) return true;
    return false;
  }

  save(): BdiState[] {
    return [...this.#bdis.values()].map(saveBdi);
  }

  /**
   * Takes the place of all devices.
   * @param fileSystems by device number; a device whose file system is gone is left out
   */
  restore(
    state: readonly BdiState[],
    fileSystems: ReadonlyMap<number, FileSystem>,
    inodeOf: (id: number) => Inode | undefined,
  ): Bdi[] {
    this.#bdis.clear();
    for (const saved of state) {
      const fs = fileSystems.get(saved.dev);
      if (fs !== undefined) this.#bdis.set(saved.dev, restoreBdi(saved, fs, inodeOf));
    }
    return [...this.#bdis.values()];
  }
}
