/** What a traced program has open: the part of the kernel's file tables that tells which bytes a call touches. */

/** An open file description: descriptors that were duplicated or inherited share one, and its position. */
export interface OpenFile {
  /** Number of the file by name. */
  readonly file: number;
  /** Number of this description, from 1. */
  readonly stream: number;
  /** Bytes. */
  position: number;
  readonly append: boolean;
}

interface Descriptor {
  readonly open: OpenFile;
  readonly closeOnExec: boolean;
}

/** The descriptors of one process; threads share it. */
export class Descriptors {
  readonly #table = new Map<number, Descriptor>();

  get(fd: number): OpenFile | undefined {
    return this.#table.get(fd)?.open;
  }

  set(fd: number, open: OpenFile, closeOnExec: boolean): void {
    this.#table.set(fd, { open, closeOnExec });
  }

  close(fd: number): void {
    this.#table.delete(fd);
  }

  /** execve(2): what is marked so is closed. */
  exec(): void {
    for (const [fd, { closeOnExec }] of this.#table) if (closeOnExec) this.#table.delete(fd);
  }

  /** fork(2): the same open files under the same numbers. */
  copy(): Descriptors {
    const copy = new Descriptors();
    for (const [fd, descriptor] of this.#table) copy.#table.set(fd, descriptor);
    return copy;
  }
}

/** The processes of a trace. A trace without process numbers has one, named "". */
export class Processes {
  readonly #tables = new Map<string, Descriptors>();
  /** Who is in a fork or clone that has not returned: a child's first line may come before its parent's result. */
  readonly #forking = new Map<string, boolean>();

  table(pid: string): Descriptors {
    let table = this.#tables.get(pid);
    if (table === undefined) {
      table = this.#unknown();
      this.#tables.set(pid, table);
    }
    return table;
  }

  /** A fork or clone begins. @param shared CLONE_FILES: the child uses its parent's table */
  forkBegins(pid: string, shared: boolean): void {
    this.#forking.set(pid, shared);
  }

  /** It has returned, with or without a child. */
  forkEnds(pid: string): void {
    this.#forking.delete(pid);
  }

  /** It has made a child. */
  forked(pid: string, child: string, shared: boolean): void {
    if (this.#tables.has(child)) return;
    const table = this.table(pid);
    this.#tables.set(child, shared ? table : table.copy());
  }

  exited(pid: string): void {
    this.#tables.delete(pid);
  }

  /** The table of a process that no call has made: a child that is quicker than its parent, or the first process itself. */
  #unknown(): Descriptors {
    for (const [pid, shared] of this.#forking) {
      const table = this.table(pid);
      return shared ? table : table.copy();
    }
    // strace names the first process only when there is a second one.
    return this.#tables.get('') ?? new Descriptors();
  }
}
