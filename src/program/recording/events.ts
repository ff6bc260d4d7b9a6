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

const ARGS = 6;
const times = <T>(count: number, read: () => T): T[] => Array.from({ length: count }, read);

/** Reads the next event of an `events` column. Throws RecordingError for a type it does not know. */
export function readEvent(column: ByteReader): RecordedEvent {
  const number = (): number => column.varint();
  const signed = (): number => column.signed();
  const type = column.byte();
  switch (type) {
    case EVENT.start:
      return {
        type: 'start',
        pid: number(),
        parentPid: number(),
        brk: number(),
        stackPointer: number(),
        argumentBytes: number(),
        environmentBytes: number(),
        environmentVariables: number(),
        executable: column.text(),
        argv: readTexts(column),
      };
    case EVENT.segment:
      return {
        type: 'segment',
        start: number(),
        length: number(),
        flags: number(),
        device: number(),
        inode: number(),
        offset: number(),
        path: column.text(),
      };
    case EVENT.file:
      return {
        type: 'file',
        id: number(),
        fd: number(),
        device: number(),
        inode: number(),
        size: number(),
        mode: number(),
        path: column.text(),
      };
    case EVENT.enter:
      return { type: 'enter', tid: number(), number: number(), args: times(ARGS, signed), text: column.text() };
    case EVENT.syscall:
      return {
        type: 'syscall',
        tid: number(),
        number: number(),
        args: times(ARGS, signed),
        result: column.signed(),
        file: number(),
        file2: number(),
        position: column.signed(),
      };
    case EVENT.kernelRead:
      return { type: 'kernelRead', address: number(), length: number() };
    case EVENT.kernelWrite:
      return { type: 'kernelWrite', address: number(), length: number() };
    case EVENT.thread:
      return { type: 'thread', tid: number(), lwp: number() };
    case EVENT.threadCreate:
      return { type: 'threadCreate', parent: number(), tid: number() };
    case EVENT.threadExit:
      return { type: 'threadExit', tid: number() };
    case EVENT.signal:
      return { type: 'signal', tid: number(), signal: number(), onAltStack: number() };
    case EVENT.signalFrame:
      return { type: 'signalFrame', tid: number(), address: number(), length: number() };
    case EVENT.forked:
      return { type: 'forked', pid: number(), parentPid: number() };
    case EVENT.window:
      return { type: 'window' };
    case EVENT.end:
      return { type: 'end', exitCode: column.signed() };
    default:
      throw new RecordingError(`the block has an event of the unknown type ${type}`);
  }
}

function readTexts(column: ByteReader): string[] {
  const texts: string[] = [];
  for (let left = column.varint(); left > 0; left--) texts.push(column.text());
  return texts;
}

/** Every event of an `events` column, in order, without the records around them. */
export function* eventsOf(events: Uint8Array): Generator<RecordedEvent> {
  const column = new ByteReader(events);
  while (!column.done) yield readEvent(column);
}

/** Appends an event: the inverse of readEvent. */
export function writeEvent(column: ByteWriter, event: RecordedEvent): void {
  column.byte(EVENT[event.type]);
  const numbers = (...values: readonly number[]): void => {
    for (const value of values) column.varint(value);
  };
  switch (event.type) {
    case 'start':
      numbers(event.pid, event.parentPid, event.brk, event.stackPointer);
      numbers(event.argumentBytes, event.environmentBytes, event.environmentVariables);
      column.text(event.executable);
      column.varint(event.argv.length);
      for (const word of event.argv) column.text(word);
      break;
    case 'segment':
      numbers(event.start, event.length, event.flags, event.device, event.inode, event.offset);
      column.text(event.path);
      break;
    case 'file':
      numbers(event.id, event.fd, event.device, event.inode, event.size, event.mode);
      column.text(event.path);
      break;
    case 'enter':
      numbers(event.tid, event.number);
      for (const arg of event.args) column.signed(arg);
      column.text(event.text);
      break;
    case 'syscall':
      numbers(event.tid, event.number);
      for (const arg of event.args) column.signed(arg);
      column.signed(event.result);
      numbers(event.file, event.file2);
      column.signed(event.position);
      break;
    case 'kernelRead':
    case 'kernelWrite':
      numbers(event.address, event.length);
      break;
    case 'thread':
      numbers(event.tid, event.lwp);
      break;
    case 'threadCreate':
      numbers(event.parent, event.tid);
      break;
    case 'threadExit':
      numbers(event.tid);
      break;
    case 'signal':
      numbers(event.tid, event.signal, event.onAltStack);
      break;
    case 'signalFrame':
      numbers(event.tid, event.address, event.length);
      break;
    case 'forked':
      numbers(event.pid, event.parentPid);
      break;
    case 'window':
      break;
    case 'end':
      column.signed(event.exitCode);
      break;
  }
}
