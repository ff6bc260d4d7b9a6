import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCodec } from '../../host/recording-file.ts';
import { BlockBuilder } from './block-builder.ts';
import { crc32 } from './crc32.ts';
import type { RecordedEvent } from './events.ts';
import { PLAIN_CODEC, RecordingError, RUN_FETCH, type RunKind } from './format.ts';
import type { RecordingHeader } from './header.ts';
import { RecordingReader } from './reader.ts';
import { forEachRun } from './runs.ts';
import { RecordingWriter } from './writer.ts';

const HEADER: RecordingHeader = {
  format: 'faultline recording',
  command: ['sort', '-n'],
  mode: { kind: 'exact' },
  source: 'pagetrace',
  tool: 'test',
};

/** What a program did, as the slow and obvious list. */
type Step =
  | { readonly run: RunKind; readonly page: number; readonly count: number }
  | { readonly event: RecordedEvent };

const number = fc.oneof(fc.nat(1000), fc.maxSafeNat());
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const call = { tid: number, number, args: fc.array(fc.integer(), { minLength: 6, maxLength: 6 }) };
/** Every type of event. */
const anyEvent: fc.Arbitrary<RecordedEvent> = fc.oneof(
  fc.record({
    type: fc.constant('syscall' as const),
    ...call,
    result: fc.integer(),
    file: number,
    file2: number,
    position: fc.integer(),
  }),
  fc.record({ type: fc.constant('enter' as const), ...call, text }),
  fc.record({
    type: fc.constant('start' as const),
    pid: number,
    parentPid: number,
    brk: number,
    stackPointer: number,
    argumentBytes: number,
    environmentBytes: number,
    environmentVariables: number,
    executable: text,
    argv: fc.array(text, { maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('segment' as const),
    start: number,
    length: number,
    flags: number,
    device: number,
    inode: number,
    offset: number,
    path: text,
  }),
  fc.record({
    type: fc.constant('file' as const),
    id: number,
    fd: number,
    device: number,
    inode: number,
    size: number,
    mode: number,
    path: text,
  }),
  fc.record({ type: fc.constantFrom('kernelRead' as const, 'kernelWrite' as const), address: number, length: number }),
  fc.record({ type: fc.constant('thread' as const), tid: number, lwp: number }),
  fc.record({ type: fc.constant('threadCreate' as const), parent: number, tid: number }),
  fc.record({ type: fc.constant('threadExit' as const), tid: number }),
  fc.record({ type: fc.constant('signal' as const), tid: number, signal: number, onAltStack: number }),
  fc.record({ type: fc.constant('signalFrame' as const), tid: number, address: number, length: number }),
  fc.record({ type: fc.constant('forked' as const), pid: number, parentPid: number }),
  fc.record({ type: fc.constant('window' as const) }),
  fc.record({ type: fc.constant('end' as const), exitCode: fc.integer() }),
);
const page = fc.oneof(fc.nat(200), fc.nat(2 ** 35));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      run: fc.constantFrom<RunKind>(0, 1, 2),
      page,
      count: fc.oneof(fc.nat(300), fc.nat(2 ** 40)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ event: anyEvent }) },
);

/** Writes the steps, a block after every `perBlock` of them. A fetch run's count is its instructions. */
function record(steps: readonly Step[], perBlock: number, codec = PLAIN_CODEC): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new RecordingWriter((bytes) => void parts.push(bytes.slice()), codec, HEADER);
  writer.metadata([
    { kind: 'process', stream: 0, pid: 100 },
    { kind: 'file', path: '/bin/sort', device: 1, inode: 2, size: 3, mode: 0o100755 },
  ]);
  const builder = new BlockBuilder(0);
  for (const step of steps) {
    if ('event' in step) builder.event(step.event);
    else if (step.run === RUN_FETCH) {
      builder.fetch(step.page);
      builder.retire(step.count);
    } else builder.data(step.run, step.page, step.run === 1 ? step.count : 0, step.run === 1 ? 0 : step.count);
    if (builder.records >= perBlock) writer.block(builder.take());
  }
  if (builder.records > 0) writer.block(builder.take());
  writer.finish();
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The steps back from a recording. */
function play(reader: RecordingReader): Step[] {
  const steps: Step[] = [];
  for (const block of reader.blocks()) {
    forEachRun(block, {
      run: (run, page, count) => void steps.push({ run, page, count }),
      event: (event) => void steps.push({ event }),
    });
  }
  return steps;
}

const sample = (length: number): Step[] =>
  Array.from({ length }, (_, at) => ({ run: (at % 3) as RunKind, page: (at * 7) % 40, count: (at % 5) + 1 }));

describe('a recording', () => {
  it('does it give back every run and event, in blocks of any size?', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 100 }), (steps, perBlock) => {
        const reader = RecordingReader.open(record(steps, perBlock), PLAIN_CODEC);
        // A data run between two fetches does not end the first one's count; an event or the block's end does not lose it either.
        expect(play(reader)).toEqual(steps);
        expect(reader.damage).toBeUndefined();
      }),
    );
  });

  it('do header, files, processes and totals come back, compressed too?', () => {
    const reader = RecordingReader.open(record(sample(1000), 128, nodeCodec), nodeCodec);
    expect(reader.header).toEqual(HEADER);
    expect(reader.files.map((file) => file.path)).toEqual(['/bin/sort']);
    expect(reader.processes).toMatchObject([{ stream: 0, pid: 100 }]);
    expect(reader.totals.records).toBe(1000);
    expect(reader.totals.blocks).toBe(8);
    expect(reader.rows.at(-1)?.[4]).toBe([...reader.blocks()].at(-1)?.firstInstruction);
  });

  it('does a file that is cut anywhere replay up to its last whole block, and say so?', () => {
    const steps = sample(300);
    const whole = record(steps, 50, nodeCodec);
    const lengths = new Set<number>();
    for (let length = 0; length < whole.length; length++) {
      let reader: RecordingReader;
      try {
        reader = RecordingReader.open(whole.subarray(0, length), nodeCodec);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordingError);
        continue;
      }
      const played = play(reader);
      expect(played).toEqual(steps.slice(0, played.length));
      expect(played.length % 50).toBe(0);
      expect(reader.damage).toMatch(/^the recording is cut after \d whole blocks?: /);
      lengths.add(played.length);
    }
    expect([...lengths].sort((a, b) => a - b)).toEqual([0, 50, 100, 150, 200, 250, 300]);
  });

  it('does any broken byte give a clear error or the blocks before it, never a crash?', () => {
    const steps = sample(300);
    const whole = record(steps, 50, nodeCodec);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const broken = whole.slice();
        broken[at] = (broken[at] ?? 0) ^ change;
        try {
          const played = play(RecordingReader.open(broken, nodeCodec));
          expect(played).toEqual(steps.slice(0, played.length));
        } catch (error) {
          expect(error).toBeInstanceOf(RecordingError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('does a block whose columns lie, although its checksum is right, give a clear error?', () => {
    const columns = fc.record({
      heads: fc.uint8Array({ maxLength: 60 }),
      pages: fc.uint8Array({ maxLength: 60 }),
      counts: fc.uint8Array({ maxLength: 60 }),
      gaps: fc.uint8Array({ maxLength: 60 }),
      events: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(columns, (columns) => {
        const totals = { stream: 0, sequence: 0, firstInstruction: 0, instructions: 1e6, loads: 10, stores: 10 };
        try {
          forEachRun({ ...totals, records: columns.heads.length, ...columns }, { run: () => {} });
        } catch (error) {
          expect(error).toBeInstanceOf(RecordingError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is a foreign or a newer file refused by name?', () => {
    expect(() => RecordingReader.open(new TextEncoder().encode('#!/bin/sh\necho no'), PLAIN_CODEC)).toThrow(
      'this is not a faultline recording',
    );
    const newer = record(sample(3), 50);
    newer[8] = 2;
    expect(() => RecordingReader.open(newer, PLAIN_CODEC)).toThrow('format version 2');
  });
});

describe('crc32', () => {
  it('is it the well-known sum, and does it continue?', () => {
    const text = new TextEncoder().encode('123456789');
    expect(crc32(text)).toBe(0xcbf43926);
    expect(crc32(text.subarray(4), crc32(text.subarray(0, 4)))).toBe(0xcbf43926);
  });
});
