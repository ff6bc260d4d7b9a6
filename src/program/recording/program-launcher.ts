import { PAGE_SIZE } from '../../hardware/units.ts';
import type { SpecialMapping } from '../../kernel/address-space/vma.ts';
import { errnoName, isError } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { ElfFile, ExecRequest } from '../../kernel/process/exec.ts';
import { SEGMENT_FILE, type SegmentEvent, type StartEvent } from './events.ts';
import type { Mismatches } from './mismatches.ts';
import { imageOf, mapProgram, stringsOf } from './program-start.ts';
import type { RecordedFiles } from './recorded-files.ts';
import type { ReplayMeter } from './replay-meter.ts';
import type { ReplayedProcess } from './replayed-process.ts';

/** Bytes of the vdso that the dynamic linker reads: its ELF header. */
const ELF_HEADER = 64;
/** The kernel keeps this much of a program's name (TASK_COMM_LEN less its NUL). */
const COMM = 15;

/** Starts the programs of a recording: exec on the simulated kernel, and the address map from the recorded segments. */
export class ProgramLauncher {
  readonly #kernel: Kernel;
  readonly #files: RecordedFiles;
  readonly #meter: ReplayMeter;
  readonly #mismatches: Mismatches;
  readonly #random: (() => number) | undefined;

  /** @param random for address-space randomisation; undefined without */
  constructor(
    kernel: Kernel,
    files: RecordedFiles,
    meter: ReplayMeter,
    mismatches: Mismatches,
    random: (() => number) | undefined,
  ) {
    this.#kernel = kernel;
    this.#files = files;
    this.#meter = meter;
    this.#mismatches = mismatches;
    this.#random = random;
  }

  /** A program begins in a process that runs now; its other threads end. */
  launch(process: ReplayedProcess, start: StartEvent, segments: readonly SegmentEvent[]): void {
    const { task } = process;
    const { processes, files } = this.#kernel;
    for (const other of [...process.process.tasks]) if (other !== task) processes.endThread(other);
    process.tasks.clear();
    const request = this.#request(start, segments);
    if (request === undefined) {
      this.#mismatches.add('execve', `the recording has no program headers of ${start.executable}`);
      return;
    }
    let result = 0;
    this.#meter.bookExec(task, () => {
      result = this.#kernel.exec(task, request);
    });
    if (isError(result)) this.#mismatches.add('execve', `${start.executable}: ${errnoName(-result)}`);
    process.process.comm = start.executable.replace(/^.*\//, '').slice(0, COMM);
    process.map = mapProgram(task.mm, start, segments, (device, inode) => this.#files.inodeOf(device, inode));
    process.heapStart = start.brk;
    process.heapEnd = start.brk;
    for (const elf of [request.program, request.interpreter]) if (elf !== undefined) files.put(elf.file);
    this.#readVdso(process);
  }

  /** What exec is to do. A script's start names the script, and its map the interpreter that runs it. */
  #request(start: StartEvent, segments: readonly SegmentEvent[]): ExecRequest | undefined {
    const mapped = segments.flatMap(({ flags, path }) => (flags & SEGMENT_FILE ? [path] : []));
    const isElf = (path: string): boolean => this.#files.factsOf(path)?.elf !== undefined;
    const name = [start.executable, ...mapped].find(isElf);
    const program = name === undefined ? undefined : this.#elf(name);
    if (program === undefined) return undefined;
    const wanted = program.image.interpreter;
    const loaders = wanted === undefined ? [] : [wanted, ...mapped.filter((path) => path !== name)];
    const loader = loaders.find(isElf);
    const interpreter = loader === undefined ? undefined : this.#elf(loader);
    return { program, interpreter, strings: stringsOf(start), random: this.#random };
  }

  #elf(path: string): ElfFile | undefined {
    const facts = this.#files.factsOf(path);
    return facts?.elf === undefined ? undefined : { file: this.#files.open(facts, 0), image: imageOf(facts.elf) };
  }

  /** The dynamic linker looks for functions in the vdso, which the recorder hides from it (setup_vdso_pointers). */
  #readVdso(process: ReplayedProcess): void {
    const { task } = process;
    const { vdso, vvar } = this.#kernel.special;
    const first = (special: SpecialMapping): number[] =>
      [...task.mm.vmas].flatMap((vma) => (vma.special === special ? [vma.start] : []));
    process.clockPages = [...first(vdso), ...first(vvar)];
    for (const page of first(vdso))
      this.#meter.book(task, page, () => this.#kernel.userAccess.read(task, page * PAGE_SIZE, ELF_HEADER));
  }
}
