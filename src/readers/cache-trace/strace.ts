/**
 * Text of `strace -f -e trace=file,desc,process PROGRAM`, with or without -o, -y, -t and -T: reads and writes of files that
 * were opened by name. Pages of mapped files do not appear in a trace of system calls.
 *
 *     [pid  7] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
 *     [pid  7] read(3, "root:x:0:0:"..., 4096) = 2481
 *
 * A relative name is taken as it is written, unless -y shows the whole of it.
 */
import type { RequestBuffer } from '../../program/cache/request-buffer.ts';
import { ByteRanges } from './byte-ranges.ts';
import { LineReader, shown } from './lines.ts';
import { NameNumbers } from './names.ts';
import { type OpenFile, Processes } from './open-files.ts';
import { StraceClock } from './strace-clock.ts';
import { type StraceCall, StraceLines } from './strace-line.ts';
import type { Damage } from './trace-error.ts';

const AT_POSITION: ReadonlySet<string> = new Set(['read', 'readv', 'write', 'writev']);
const AT_OFFSET: ReadonlySet<string> = new Set(['pread64', 'pwrite64', 'preadv', 'pwritev', 'preadv2', 'pwritev2']);
const OPENS: ReadonlySet<string> = new Set(['open', 'openat', 'openat2', 'creat']);
const DUPLICATES: ReadonlySet<string> = new Set(['dup', 'dup2', 'dup3', 'fcntl']);
const FORKS: ReadonlySet<string> = new Set(['fork', 'vfork', 'clone', 'clone3']);

const decoder = new TextDecoder();

export class StraceReader extends LineReader {
  readonly #lines = new StraceLines();
  readonly #processes = new Processes();
  readonly #files = new NameNumbers();
  /** Where the known part of each file ends: O_APPEND writes there. Bytes, by number of the file. */
  readonly #ends = new Map<number, number>();
  readonly #ranges: ByteRanges;
  readonly #clock = new StraceClock();
  #streams = 0;
  readonly #requests: RequestBuffer;
  readonly #damage: Damage;

  /** @param whole one request a call instead of one a page */
  constructor(requests: RequestBuffer, damage: Damage, whole: boolean) {
    super();
    this.#requests = requests;
    this.#damage = damage;
    this.#ranges = new ByteRanges(requests, whole);
  }

  protected line(text: Uint8Array, start: number, end: number): void {
    const parsed = this.#lines.parse(decoder.decode(text.subarray(start, end)));
    if (parsed === undefined) {
      this.#bad(`${shown(text, start, end)} is no line of strace's`);
    } else if (parsed.kind === 'begin') {
      if (FORKS.has(parsed.name)) this.#processes.forkBegins(parsed.pid, parsed.args.includes('CLONE_FILES'));
    } else if (parsed.kind === 'exit') {
      this.#processes.exited(parsed.pid);
    } else if (parsed.kind === 'call') {
      this.#requests.setTime(this.#clock.read(parsed.time));
      if (FORKS.has(parsed.name)) this.#forked(parsed);
      else if (parsed.result >= 0 && !this.#call(parsed))
        this.#bad(`the arguments of ${parsed.name} in ${shown(text, start, end)} are incomplete`);
    }
  }

  protected finish(): void {
    this.#requests.flush();
  }

  /** @returns whether its arguments could be read */
  #call(call: StraceCall): boolean {
    const { name, args, pid, result } = call;
    const table = this.#processes.table(pid);
    if (AT_POSITION.has(name)) return this.#atPosition(call);
    if (AT_OFFSET.has(name)) return this.#atOffset(call);
    if (OPENS.has(name)) return this.#open(call);
    if (DUPLICATES.has(name)) return this.#duplicate(call);
    if (name === 'sendfile' || name === 'sendfile64') return this.#sendfile(call);
    if (name === 'lseek') {
      const open = this.#opened(call, args);
      if (open !== undefined) open.position = result;
    } else if (name === 'close') {
      table.close(firstNumber(args));
    } else if (name === 'execve' || name === 'execveat') {
      table.exec();
    }
    return true;
  }

  #forked({ pid, result, args }: StraceCall): void {
    this.#processes.forkEnds(pid);
    if (result >= 0) this.#processes.forked(pid, String(result), args.includes('CLONE_FILES'));
  }

  #open(call: StraceCall): boolean {
    const path = call.path ?? /"((?:[^"\\]|\\.)*)"/.exec(call.args)?.[1];
    if (path === undefined) return false;
    const open = this.#openFile(path, call.args.includes('O_APPEND'));
    this.#processes.table(call.pid).set(call.result, open, call.args.includes('O_CLOEXEC'));
    return true;
  }

  #duplicate(call: StraceCall): boolean {
    if (call.name === 'fcntl' && !/, F_DUPFD/.test(call.args)) return true;
    const open = this.#opened(call, call.args);
    const closeOnExec = call.args.includes('CLOEXEC');
    if (open !== undefined) this.#processes.table(call.pid).set(call.result, open, closeOnExec);
    else this.#processes.table(call.pid).close(call.result);
    return true;
  }

  #atPosition(call: StraceCall): boolean {
    const open = this.#opened(call, call.args);
    if (open === undefined) return Number.isInteger(firstNumber(call.args));
    if (open.append && isWrite(call)) open.position = this.#ends.get(open.file) ?? open.position;
    this.#touch(open, open.position, call.result, isWrite(call));
    open.position += call.result;
    return true;
  }

  /** pread64(fd, buffer, count, offset), preadv2(fd, vector, count, offset, flags). */
  #atOffset(call: StraceCall): boolean {
    const offset = /, \d+, (-?\d+)(?:, [\w|]+)?$/.exec(call.args)?.[1];
    if (offset === undefined) return false;
    // The second version takes -1 for the file's own position.
    if (offset === '-1') return this.#atPosition(call);
    const open = this.#opened(call, call.args);
    if (open !== undefined) this.#touch(open, Number(offset), call.result, isWrite(call));
    return true;
  }

  /** sendfile(out, in, offset or NULL, count): reads from in. */
  #sendfile(call: StraceCall): boolean {
    const match = /^\d+(?:<[^>]*>)?, (.*), (?:NULL|\[(\d+)\](?: => \[\d+\])?), \d+$/.exec(call.args);
    if (match === null) return false;
    const open = this.#opened(call, match[1] ?? '');
    if (open === undefined) return true;
    this.#touch(open, match[2] === undefined ? open.position : Number(match[2]), call.result, false);
    if (match[2] === undefined) open.position += call.result;
    return true;
  }

  /** What the descriptor at the beginning of some arguments is; undefined for pipes, sockets and what was open before. */
  #opened(call: StraceCall, args: string): OpenFile | undefined {
    const table = this.#processes.table(call.pid);
    const fd = firstNumber(args);
    const known = table.get(fd);
    if (known !== undefined) return known;
    // `3</etc/passwd>`: -y names what was opened before the trace began.
    const path = /^\d+<(\/[^>]*)>/.exec(args)?.[1];
    if (path === undefined) return undefined;
    const open = this.#openFile(path, false);
    table.set(fd, open, false);
    return open;
  }

  #openFile(path: string, append: boolean): OpenFile {
    return { file: this.#files.number(path), stream: ++this.#streams, position: 0, append };
  }

  #touch(open: OpenFile, offset: number, size: number, isWrite: boolean): void {
    const end = offset + size;
    if (end > (this.#ends.get(open.file) ?? 0)) this.#ends.set(open.file, end);
    const trouble = this.#ranges.add(open.file, offset, size, isWrite, open.stream);
    if (trouble !== undefined) this.#bad(trouble);
  }

  #bad(what: string): void {
    this.#damage.found(`line ${this.lineNumber}`, what);
  }
}

/** write, writev, pwrite64, pwritev and pwritev2. */
const isWrite = ({ name }: StraceCall): boolean => name.startsWith('write') || name.startsWith('pwrite');

/** The number at the beginning of some arguments; NaN when there is none. */
function firstNumber(args: string): number {
  return Number.parseInt(args, 10);
}
