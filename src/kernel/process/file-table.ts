import type { File } from '../page-cache/file.ts';

/** The descriptors of a process (files_struct). */
export class FileTable {
  readonly #files: (File | undefined)[] = [];

  get(fd: number): File | undefined {
    return this.#files[fd];
  }

  /** Puts an open file at the lowest free descriptor (alloc_fd) and returns it. */
  install(file: File): number {
    let fd = this.#files.indexOf(undefined);
    if (fd < 0) fd = this.#files.length;
    this.#files[fd] = file;
    return fd;
  }

  /** Puts an open file at a descriptor, as dup2 does; what was there is returned. */
  replace(fd: number, file: File): File | undefined {
    const old = this.#files[fd];
    while (this.#files.length < fd) this.#files.push(undefined);
    this.#files[fd] = file;
    return old;
  }

  /** Takes a descriptor away and returns what it referred to. */
  remove(fd: number): File | undefined {
    const file = this.#files[fd];
    if (file !== undefined) this.#files[fd] = undefined;
    return file;
  }

  /** The lowest descriptor that refers to an open file, or -1. */
  find(file: File): number {
    return this.#files.indexOf(file);
  }

  /** Every open descriptor with its file. */
  entries(): [number, File][] {
    return this.#files.flatMap((file, fd) => (file === undefined ? [] : [[fd, file] as [number, File]]));
  }
}
