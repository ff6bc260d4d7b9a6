import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KernelPanic } from '../../kernel/oom/kernel-panic.ts';
import { Machine } from '../../machine/machine.ts';
import type { Block } from './block.ts';
import { RecordingError } from './format.ts';
import type { RecordingReader } from './reader.ts';
import { Replay } from './replay.ts';
import { CODE, DATA, HEAP, recordingOf, STACK, StreamMaker } from './testing/make-recording.ts';

const PAGE = 4096;
const ANYWHERE = 0x4a00;

/** A bit of everything. */
const parent = new StreamMaker(0, 100)
  .start()
  .fetch(CODE, 9)
  .touch(DATA, 1, 1)
  .touch(STACK, 2, 1)
  .event({ type: 'file', id: 1, fd: 3, device: 1, inode: 20, size: 10 * PAGE, mode: 0o100644, path: '/data' })
  .call('openat', [-100, 0, 2], 3, 1)
  .call('mmap', [0, 8 * PAGE, 3, 0x22, -1, 0], ANYWHERE * PAGE)
  .event({ type: 'kernelWrite', address: ANYWHERE * PAGE, length: 2 * PAGE })
  .call('read', [3, ANYWHERE * PAGE, 2 * PAGE], 2 * PAGE, 1, 2 * PAGE)
  .call('mremap', [ANYWHERE * PAGE, 8 * PAGE, 12 * PAGE, 1, 0], (ANYWHERE + 50) * PAGE)
  .touch(ANYWHERE + 50, 12, 1)
  .call('brk', [(HEAP + 4) * PAGE], (HEAP + 4) * PAGE)
  .touch(HEAP, 4, 1)
  .call('mprotect', [DATA * PAGE, PAGE, 1], 0)
  .call('madvise', [(ANYWHERE + 50) * PAGE, 4 * PAGE, 4], 0)
  .call('mlock', [HEAP * PAGE, 2 * PAGE], 0)
  .call('write', [3, HEAP * PAGE, PAGE], PAGE, 1, 3 * PAGE)
  .call('ftruncate', [3, PAGE], 0, 1)
  .call('munmap', [(ANYWHERE + 52) * PAGE, 3 * PAGE], 0)
  .event({ type: 'threadCreate', parent: 1, tid: 2 })
  .event({ type: 'thread', tid: 2, lwp: 101 })
  .touch(DATA)
  .event({ type: 'threadExit', tid: 2 })
  .call('vfork', [], 101);
const child = new StreamMaker(1, 101)
  .event({ type: 'forked', pid: 101, parentPid: 100 })
  .touch(DATA, 1, 1)
  .start()
  .touch(DATA, 1, 1)
  .event({ type: 'end', exitCode: 0 });
const reader = recordingOf([parent, child], [{ path: '/data', inode: 20, size: 10 * PAGE }]);
const blocks = [...reader.blocks()];

const COLUMNS = ['heads', 'pages', 'gaps', 'events', 'events', 'events'] as const;
const change = fc.record({
  block: fc.nat(blocks.length - 1),
  column: fc.constantFrom(...COLUMNS),
  at: fc.nat(2 ** 30),
  byte: fc.oneof(fc.nat(255), fc.nat(7), fc.constantFrom(0x7f, 0x80, 0xff)),
});

/** The recording with some bytes changed behind its checksums. */
function lying(changes: readonly { block: number; column: keyof Block; at: number; byte: number }[]): RecordingReader {
  const copies = blocks.map((block) => ({
    ...block,
    heads: Uint8Array.from(block.heads),
    pages: Uint8Array.from(block.pages),
    gaps: Uint8Array.from(block.gaps),
    events: Uint8Array.from(block.events),
  }));
  for (const { block, column, at, byte } of changes) {
    const bytes = copies[block][column] as Uint8Array;
    bytes[at % bytes.length] = byte;
  }
  const { header, files, processes, rows, totals } = reader;
  return {
    header,
    files,
    processes,
    rows,
    totals,
    damage: undefined,
    blocks: (n = 0) => copies.slice(n).values(),
  } as never;
}

test('whatever a recording claims, is the answer a replay or a clear error, soon?', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      try {
        Replay.start(new Machine({ memory: 16 << 20 }), lying(changes)).finish();
      } catch (error) {
        expect(error instanceof RecordingError || error instanceof KernelPanic, String((error as Error).stack)).toBe(
          true,
        );
      }
    }),
    { numRuns: 400 },
  );
});
