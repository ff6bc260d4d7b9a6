/**
 * What a recording says about itself beside the blocks: the header (the file's first chunk), and the metadata lines
 * that appear before the first block that needs them. All of it is JSON; unknown keys are kept out of the way, so that a
 * later minor version may add some.
 */
import { RecordingError } from './format.ts';

/** `exact`: every page run. `windowed`: the first touch of each page in every window of `window` instructions. */
export type RecordingMode = { readonly kind: 'exact' } | { readonly kind: 'windowed'; readonly window: number };

export interface RecordingHeader {
  readonly format: 'faultline recording';
  /** The command line, argv[0] first. */
  readonly command: readonly string[];
  readonly mode: RecordingMode;
  /** Who wrote it: `pagetrace` (maps, files and system calls are in the stream) or `lackey` (accesses only). */
  readonly source: 'pagetrace' | 'lackey';
  /** Its name and version, for people. */
  readonly tool: string;
  /** ISO 8601, from whoever recorded. */
  readonly date?: string;
  /** Working directory of the command. */
  readonly cwd?: string;
  readonly environment?: EnvironmentFacts;
  readonly host?: HostFacts;
}

/** What shapes a program's memory from outside. */
export interface EnvironmentFacts {
  /** Environment variables and the bytes of their strings, ends included, as execve copies them to the stack. */
  readonly variables: number;
  readonly bytes: number;
  /** The locale that the C library will choose: LC_ALL, else LC_CTYPE, else LANG. */
  readonly locale: string;
  /** Soft limits in bytes (files for nofile), by getrlimit's name in lower case; absent: unlimited. */
  readonly limits: Readonly<Record<string, number>>;
}

export interface HostFacts {
  readonly kernel: string;
  readonly cpu: string;
  readonly memoryBytes: number;
}

/** One program header of an ELF file, numbers as in the file (PT_LOAD = 1, PT_INTERP = 3; PF_X = 1, PF_W = 2, PF_R = 4). */
export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** What execve needs of an ELF file. */
export interface ElfFacts {
  /** ET_EXEC = 2: fixed addresses; ET_DYN = 3: position-independent. */
  readonly type: number;
  readonly entry: number;
  /** Path of the interpreter (ld.so), if it has one. */
  readonly interpreter?: string;
  readonly segments: readonly ElfSegment[];
}

/** A file that the program opened, mapped or executed; `device` and `inode` name it in the stream's events. */
export interface FileFacts {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  /** st_mode: type and permissions. */
  readonly mode: number;
  readonly elf?: ElfFacts;
}

/** One process: a stream of blocks. execve stays in the stream (a `start` event tells of the new image). */
export interface ProcessFacts {
  readonly stream: number;
  /** On the host that recorded. */
  readonly pid: number;
  /** Stream of the parent; absent for the command itself. */
  readonly parent?: number;
  /** For a child: its first block stands behind this block (sequence number) of the parent, which ends with the fork's return. */
  readonly parentBlock?: number;
}

export type MetadataLine = ({ readonly kind: 'file' } & FileFacts) | ({ readonly kind: 'process' } & ProcessFacts);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function parseJson(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RecordingError(`${what} is not JSON`);
  }
  if (!isObject(value)) throw new RecordingError(`${what} is not a JSON object`);
  return value;
}

function checkMode(mode: unknown): boolean {
  if (!isObject(mode)) return false;
  return mode.kind === 'exact' || (mode.kind === 'windowed' && isCount(mode.window) && mode.window > 0);
}

/** Checks what every reader relies on. Throws RecordingError that names the wrong key. */
export function parseHeader(text: string): RecordingHeader {
  const header = parseJson(text, "the recording's header");
  const wrong =
    header.format !== 'faultline recording'
      ? 'format'
      : !Array.isArray(header.command) || !header.command.every((word) => typeof word === 'string')
        ? 'command'
        : !checkMode(header.mode)
          ? 'mode'
          : header.source !== 'pagetrace' && header.source !== 'lackey'
            ? 'source'
            : undefined;
  if (wrong !== undefined) throw new RecordingError(`the recording's header has a wrong "${wrong}"`);
  return header as unknown as RecordingHeader;
}

/** One line of a metadata chunk; undefined for a kind that this version does not know. */
export function parseMetadataLine(text: string): MetadataLine | undefined {
  const line = parseJson(text, 'a line of metadata');
  if (line.kind === 'file') {
    if (typeof line.path !== 'string' || !isCount(line.device) || !isCount(line.inode) || !isCount(line.size)) {
      throw new RecordingError('a file in the metadata lacks its path, device, inode or size');
    }
    return line as unknown as MetadataLine;
  }
  if (line.kind === 'process') {
    if (!isCount(line.stream) || !isCount(line.pid))
      throw new RecordingError('a process in the metadata lacks its stream or pid');
    return line as unknown as MetadataLine;
  }
  return undefined;
}
