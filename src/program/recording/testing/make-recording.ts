/** Recordings written by hand, for tests: a program of two pages of code and data, and whatever the test lets it do. */
import { BlockBuilder } from '../block-builder.ts';
import type { RecordedEvent } from '../events.ts';
import { PLAIN_CODEC } from '../format.ts';
import type { FileFacts, MetadataLine, RecordingHeader } from '../header.ts';
import { RecordingReader } from '../reader.ts';
import { SYS } from '../syscall-numbers.ts';
import { RecordingWriter } from '../writer.ts';

export const PROGRAM = '/bin/program';
/** Recorded pages of the program's code and data, the last of its stack, and the first of its heap. */
export const CODE = 0x108;
export const DATA = 0x109;
export const STACK = 0x1ffefff;
export const HEAP = 0xd00000;

const PROGRAM_FILE: FileFacts = {
  path: PROGRAM,
  device: 1,
  inode: 10,
  size: 0x2000,
  mode: 0o100755,
  elf: {
    type: 2,
    entry: 0x400010,
    segments: [
      { type: 1, flags: 5, offset: 0, vaddr: 0x400000, filesz: 0x1000, memsz: 0x1000, align: 4096 },
      { type: 1, flags: 6, offset: 0x1000, vaddr: 0x401000, filesz: 0x1000, memsz: 0x1000, align: 4096 },
    ],
  },
};

/** One stream's blocks, written step by step. */
export class StreamMaker {
  readonly builder: BlockBuilder;
  readonly #pid: number;

  constructor(stream: number, pid: number) {
    this.builder = new BlockBuilder(stream);
    this.#pid = pid;
  }

  /** execve of the program, with its map. */
  start(): this {
    const file = { device: 1, inode: 10, path: PROGRAM };
    return this.event({
      type: 'start',
      pid: this.#pid,
      parentPid: 1,
      brk: HEAP * 4096,
      stackPointer: STACK * 4096 + 0x800,
      argumentBytes: 8,
      environmentBytes: 4,
      environmentVariables: 1,
      executable: PROGRAM,
      argv: ['program'],
    })
      .event({ type: 'segment', start: CODE * 4096, length: 4096, flags: 8 | 5, offset: 0, ...file })
      .event({ type: 'segment', start: DATA * 4096, length: 4096, flags: 8 | 3, offset: 4096, ...file })
      .event({
        type: 'segment',
        start: STACK * 4096,
        length: 8192,
        flags: 64 | 3,
        device: 0,
        inode: 0,
        offset: 0,
        path: '',
      })
      .event({ type: 'thread', tid: 1, lwp: this.#pid });
  }

  event(event: RecordedEvent): this {
    this.builder.event(event);
    return this;
  }

  /** A system call that returned. */
  call(name: keyof typeof SYS, args: readonly number[], result: number, file = 0, position = -1): this {
    const six = [...args, 0, 0, 0, 0, 0, 0].slice(0, 6);
    return this.event({ type: 'syscall', tid: 1, number: SYS[name], args: six, result, file, file2: 0, position });
  }

  /** Loads, or with `stores` a store and so on, of pages one after the other. */
  touch(first: number, count = 1, stores = 0): this {
    for (let page = first; page < first + count; page++) this.builder.data(stores > 0 ? 2 : 1, page, 1, stores);
    this.builder.retire(count);
    return this;
  }

  fetch(page: number, instructions = 1): this {
    this.builder.fetch(page);
    this.builder.retire(instructions);
    return this;
  }
}

/** A recording of these streams' open blocks, in this order. */
export function recordingOf(
  streams: readonly StreamMaker[],
  files: readonly Omit<FileFacts, 'mode' | 'device'>[] = [],
  more: Partial<RecordingHeader> = {},
): RecordingReader {
  const parts: number[] = [];
  const mode = { kind: 'exact' } as const;
  const header: RecordingHeader = {
    format: 'faultline recording',
    command: ['program'],
    mode,
    source: 'pagetrace',
    tool: 'test',
    ...more,
  };
  const writer = new RecordingWriter((bytes) => void parts.push(...bytes), PLAIN_CODEC, header);
  const all = [PROGRAM_FILE, ...files.map((file) => ({ mode: 0o100644, device: 1, ...file }))];
  writer.metadata(all.map((file) => ({ kind: 'file', ...file }) as MetadataLine));
  const blocks = streams.map(({ builder }) => builder.take());
  const numbers = new Set(blocks.map(({ stream }) => stream));
  writer.metadata([...numbers].map((stream) => ({ kind: 'process', stream, pid: 100 + stream }) as MetadataLine));
  for (const block of blocks) writer.block(block);
  writer.finish();
  return RecordingReader.open(Uint8Array.from(parts), PLAIN_CODEC);
}
