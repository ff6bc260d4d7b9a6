import { PAGE_SIZE } from '../../hardware/units.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import type { Files } from '../../kernel/page-cache/files.ts';
import type { Process, Task } from '../../kernel/process/process.ts';
import { AddressMap, type MappedRange } from './address-map.ts';
import type { FileEvent } from './events.ts';
import type { CallingProcess } from './memory-calls.ts';
import { isCacheable, type RecordedFiles } from './recorded-files.ts';

/** A range of user memory in recorded addresses, in bytes. */
export interface UserRange {
  readonly address: number;
  readonly length: number;
}

/** A stream of the recording and the simulated process that it drives. */
export class ReplayedProcess implements CallingProcess {
  /** The host's process id, by which the parent's fork names it. */
  readonly pid: number;
  readonly process: Process;
  /** The thread that runs. */
  task: Task;
  /** Threads by the recorder's number. */
  readonly tasks = new Map<number, Task>();
  map = new AddressMap();
  heapStart = 0;
  heapEnd = 0;
  /** Pages that reading a clock touches: of the vdso, of [vvar]. */
  clockPages: readonly number[] = [];
  /** What the kernel read and wrote for the system call that follows. */
  readonly reads: UserRange[] = [];
  readonly writes: UserRange[] = [];
  /** What stands behind descriptors, by the id of its event. */
  readonly #opened = new Map<number, FileEvent>();

  constructor(pid: number, task: Task) {
    this.pid = pid;
    this.process = task.process;
    this.task = task;
  }

  /** The kernel ended it by a signal. Its recorded end is always an exit. */
  get killed(): boolean {
    const { ending } = this.process;
    return ending !== undefined && 'signal' in ending;
  }

  /** The thread of a number; the first one to be named is the main thread. */
  thread(tid: number): Task {
    let task = this.tasks.get(tid);
    if (task === undefined) {
      task = this.task;
      this.tasks.set(tid, task);
    }
    return task;
  }

  /** A descriptor of the recording means this file from now on; what it meant before is closed. */
  tell(event: FileEvent, files: Files): void {
    this.close(event.fd, files);
    this.#opened.set(event.id, event);
  }

  /**
   * The open file of an event's id, opened when it is first asked for. @param flags O_*, known to the open call itself
   * @returns undefined for what has no pages: terminals, pipes, /proc
   */
  file(id: number, recorded: RecordedFiles, flags?: number): File | undefined {
    const event = this.#opened.get(id);
    if (event === undefined || !isCacheable(event)) return undefined;
    const open = this.process.files.get(event.fd);
    if (open !== undefined) return open;
    const file = recorded.open(event, flags);
    this.process.files.replace(event.fd, file);
    return file;
  }

  close(fd: number, files: Files): void {
    const file = this.process.files.remove(fd);
    if (file !== undefined) files.put(file);
  }

  /** Where a recorded range lies on the simulated machine, cut where it is not in one piece. */
  simulated({ address, length }: UserRange): UserRange[] {
    const first = Math.floor(address / PAGE_SIZE);
    const count = Math.ceil((address + length) / PAGE_SIZE) - first;
    return this.map.pieces(first, count).map(({ start, end, page }) => {
      const from = Math.max(address, start * PAGE_SIZE);
      const to = Math.min(address + length, end * PAGE_SIZE);
      return { address: page * PAGE_SIZE + (from - start * PAGE_SIZE), length: to - from };
    });
  }

  save(): ReplayedProcessState {
    return {
      pid: this.pid,
      process: this.process.pid,
      task: this.task.tid,
      tasks: [...this.tasks].map(([tid, task]) => [tid, task.tid]),
      map: this.map.save(),
      heap: [this.heapStart, this.heapEnd],
      clockPages: [...this.clockPages],
      reads: [...this.reads],
      writes: [...this.writes],
      opened: [...this.#opened.values()],
    };
  }

  /** @param process the simulated process of a restored machine */
  static restore(state: ReplayedProcessState, process: Process): ReplayedProcess {
    const taskOf = (tid: number): Task => process.tasks.find((task) => task.tid === tid) ?? (process.tasks[0] as Task);
    const restored = new ReplayedProcess(state.pid, taskOf(state.task));
    for (const [tid, task] of state.tasks) restored.tasks.set(tid, taskOf(task));
    restored.map = AddressMap.restore(state.map);
    [restored.heapStart, restored.heapEnd] = state.heap;
    restored.clockPages = state.clockPages;
    restored.reads.push(...state.reads);
    restored.writes.push(...state.writes);
    for (const event of state.opened) restored.#opened.set(event.id, event);
    return restored;
  }
}

export interface ReplayedProcessState {
  readonly pid: number;
  readonly process: number;
  readonly task: number;
  readonly tasks: readonly (readonly [number, number])[];
  readonly map: readonly MappedRange[];
  readonly heap: readonly [number, number];
  readonly clockPages: readonly number[];
  readonly reads: readonly UserRange[];
  readonly writes: readonly UserRange[];
  readonly opened: readonly FileEvent[];
}
