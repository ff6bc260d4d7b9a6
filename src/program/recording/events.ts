/**
 * Events: everything in a stream that is not a page run. Each is a type byte and a payload in the block's `events`
 * column; its place in time is the record (an escape head) that announces it. Every event ends the open runs.
 */
import { ByteReader, type ByteWriter } from './bytes.ts';
import { RecordingError } from './format.ts';

/** The type bytes of the file. */
export const EVENT = {
  start: 0,
  segment: 1,
  file: 2,
  enter: 3,
  syscall: 4,
  kernelRead: 5,
  kernelWrite: 6,
  thread: 7,
  threadCreate: 8,
  threadExit: 9,
  signal: 10,
  signalFrame: 11,
  forked: 12,
  window: 13,
  end: 14,
} as const;

/** A new program image: the command, or what execve made of the process. Segments of its map follow. */
export interface StartEvent {
  readonly type: 'start';
  readonly pid: number;
  readonly parentPid: number;
  readonly executable: string;
  readonly argv: readonly string[];
  /** Strings of argv and envp with their ends, and their numbers, as a native execve would copy them. */
  readonly argumentBytes: number;
  readonly environmentBytes: number;
  readonly environmentVariables: number;
  /** Where the recording's heap starts (the result of brk(0)), its first stack pointer. */
  readonly brk: number;
  readonly stackPointer: number;
}

/** One mapping of the image at `start`, or of the child at `forked`. Addresses are the recording's. */
export interface SegmentEvent {
  readonly type: 'segment';
  readonly start: number;
  readonly length: number;
  /** SEGMENT_* bits. */
  readonly flags: number;
  readonly device: number;
  readonly inode: number;
  readonly offset: number;
  /** Empty for anonymous memory. */
  readonly path: string;
}

export const SEGMENT_READ = 1;
export const SEGMENT_WRITE = 2;
export const SEGMENT_EXECUTE = 4;
export const SEGMENT_FILE = 8;
export const SEGMENT_SHARED = 16;
export const SEGMENT_HEAP = 32;
export const SEGMENT_STACK = 64;

/** What stands behind a descriptor: told once for each opening, before the first system call that needs it. */
export interface FileEvent {
  readonly type: 'file';
  /** Names this opening in later events of the stream; from 1. */
  readonly id: number;
  readonly fd: number;
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly mode: number;
  readonly path: string;
}

/** A system call that may not return or returns in two processes: clone, fork, vfork, execve, exit. `text`: execve's path. */
export interface EnterEvent {
  readonly type: 'enter';
  readonly tid: number;
  readonly number: number;
  readonly args: readonly number[];
  readonly text: string;
}

/** A system call after its return; what the kernel read and wrote of user memory for it stands before it. */
export interface SyscallEvent {
  readonly type: 'syscall';
  readonly tid: number;
  /** x86-64's number. */
  readonly number: number;
  /** Six, as signed 64-bit numbers (~0 is -1); an int may come with its upper half zero, so read descriptors with `| 0`. */
  readonly args: readonly number[];
  /** The result, or a negated errno. */
  readonly result: number;
  /** FileEvent.id of the descriptor in its arguments or its result, and of a second one; 0: none. */
  readonly file: number;
  readonly file2: number;
  /** The file position after read, write and their kin; -1: none. */
  readonly position: number;
}

/** The kernel read (or wrote) this range of user memory, for the system call or signal that follows. */
export interface KernelAccessEvent {
  readonly type: 'kernelRead' | 'kernelWrite';
  readonly address: number;
  readonly length: number;
}

export type RecordedEvent =
  | StartEvent
  | SegmentEvent
  | FileEvent
  | EnterEvent
  | SyscallEvent
  | KernelAccessEvent
  /** From here on this thread runs. `tid` is the recorder's small number, `lwp` the host's. */
  | { readonly type: 'thread'; readonly tid: number; readonly lwp: number }
  | { readonly type: 'threadCreate'; readonly parent: number; readonly tid: number }
  | { readonly type: 'threadExit'; readonly tid: number }
  /** A handler is about to run; `onAltStack` is 0 or 1. */
  | { readonly type: 'signal'; readonly tid: number; readonly signal: number; readonly onAltStack: number }
  | { readonly type: 'signalFrame'; readonly tid: number; readonly address: number; readonly length: number }
  /** First event of a forked child. */
  | { readonly type: 'forked'; readonly pid: number; readonly parentPid: number }
  /** A new window starts (windowed mode). */
  | { readonly type: 'window' }
  /** The process ended in order. */
  | { readonly type: 'end'; readonly exitCode: number };

/** How a field is written. `args`: six signed numbers; `texts`: a count and as many texts. */
type Encoding = 'number' | 'signed' | 'text' | 'texts' | 'args';
type Fields = readonly (readonly [name: string, encoding: Encoding])[];

const numbers = (...names: readonly string[]): Fields => names.map((name) => [name, 'number']);
const CALL: Fields = [...numbers('tid', 'number'), ['args', 'args']];

/** The payload of each type, in the file's order: both directions follow it. */
const PAYLOADS: Readonly<Record<RecordedEvent['type'], Fields>> = {
  start: [
    ...numbers('pid', 'parentPid', 'brk', 'stackPointer', 'argumentBytes', 'environmentBytes', 'environmentVariables'),
    ['executable', 'text'],
    ['argv', 'texts'],
  ],
  segment: [...numbers('start', 'length', 'flags', 'device', 'inode', 'offset'), ['path', 'text']],
  file: [...numbers('id', 'fd', 'device', 'inode', 'size', 'mode'), ['path', 'text']],
  enter: [...CALL, ['text', 'text']],
  syscall: [...CALL, ['result', 'signed'], ...numbers('file', 'file2'), ['position', 'signed']],
  kernelRead: numbers('address', 'length'),
  kernelWrite: numbers('address', 'length'),
  thread: numbers('tid', 'lwp'),
  threadCreate: numbers('parent', 'tid'),
  threadExit: numbers('tid'),
  signal: numbers('tid', 'signal', 'onAltStack'),
  signalFrame: numbers('tid', 'address', 'length'),
  forked: numbers('pid', 'parentPid'),
  window: [],
  end: [['exitCode', 'signed']],
};

const ARGS = 6;
/** Names of the types by their bytes. */
const TYPES = Object.entries(EVENT).reduce<RecordedEvent['type'][]>((types, [type, byte]) => {
  types[byte] = type as RecordedEvent['type'];
  return types;
}, []);

/** Reads the next event of an `events` column. Throws RecordingError for a type it does not know. */
export function readEvent(column: ByteReader): RecordedEvent {
  const byte = column.byte();
  const type = TYPES[byte];
  if (type === undefined) throw new RecordingError(`the block has an event of the unknown type ${byte}`);
  const event: Record<string, unknown> = { type };
  for (const [name, encoding] of PAYLOADS[type]) event[name] = readField(column, encoding);
  return event as unknown as RecordedEvent;
}

function readField(column: ByteReader, encoding: Encoding): number | string | number[] | string[] {
  switch (encoding) {
    case 'number':
      return column.varint();
    case 'signed':
      return column.signed();
    case 'text':
      return column.text();
    case 'args':
      return Array.from({ length: ARGS }, () => column.signed());
    case 'texts': {
      // Not by a length given in advance: a damaged count must not allocate before the column ends.
      const texts: string[] = [];
      for (let left = column.varint(); left > 0; left--) texts.push(column.text());
      return texts;
    }
  }
}

/** Every event of an `events` column, in order, without the records around them. */
export function* eventsOf(events: Uint8Array): Generator<RecordedEvent> {
  const column = new ByteReader(events);
  while (!column.done) yield readEvent(column);
}

/** Appends an event: the inverse of readEvent. */
export function writeEvent(column: ByteWriter, event: RecordedEvent): void {
  column.byte(EVENT[event.type]);
  const values = event as unknown as Readonly<Record<string, unknown>>;
  for (const [name, encoding] of PAYLOADS[event.type]) writeField(column, encoding, values[name]);
}

function writeField(column: ByteWriter, encoding: Encoding, value: unknown): void {
  switch (encoding) {
    case 'number':
      column.varint(value as number);
      break;
    case 'signed':
      column.signed(value as number);
      break;
    case 'text':
      column.text(value as string);
      break;
    case 'args':
      for (const arg of value as readonly number[]) column.signed(arg);
      break;
    case 'texts': {
      const texts = value as readonly string[];
      column.varint(texts.length);
      for (const text of texts) column.text(text);
      break;
    }
  }
}
