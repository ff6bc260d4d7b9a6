import { describe, expect, test } from 'vitest';
import { MM_SHMEMPAGES } from '../../kernel/address-space/mm.ts';
import { RLIM_INFINITY, RLIMIT_AS, RLIMIT_MEMLOCK } from '../../kernel/uapi.ts';
import { Machine } from '../../machine/machine.ts';
import { Replay } from './replay.ts';
import { reportOf } from './replay-report.ts';
import { CODE, DATA, HEAP, PROGRAM, recordingOf, STACK, StreamMaker } from './testing/make-recording.ts';

const PAGE = 4096;
const ANYWHERE = 0x4a00;
const RW = 3;
const PRIVATE_ANON = 0x22;
const FIXED = 0x10;

const program = (): StreamMaker => new StreamMaker(0, 100).start();

function replay(streams: readonly StreamMaker[], ...rest: [] | [Parameters<typeof recordingOf>[1]]): Replay {
  const done = Replay.start(new Machine({ memory: 64 << 20 }), recordingOf(streams, ...rest));
  done.finish();
  return done;
}

/** Minor faults by mapping. */
const faults = (done: Replay): Record<string, number> =>
  Object.fromEntries(reportOf(done, 1).faults.byMapping.map(({ mapping, minor }) => [mapping, minor]));

describe('a program starts', () => {
  test('where does the simulated kernel put what the recording had elsewhere, and what does it fault?', () => {
    const done = replay([program().fetch(CODE, 5).touch(DATA, 1, 1).touch(STACK, 1, 1)]);
    const [child] = [...done.processes.values()];
    expect(child.map.translate(CODE)).toBe(0x400);
    expect(child.map.translate(DATA)).toBe(0x401);
    // Code is mapped by the fetch, data copied by the store; the stack's page was exec's, and the vdso's the linker's.
    expect(faults(done)).toEqual({ [PROGRAM]: 2, '[stack]': 1, '[vdso]': 1 });
  });

  test('what lies above its arguments in the recording shares the last page of the stack', () => {
    const done = replay([program().touch(STACK + 1, 1, 1)]);
    expect(done.processes.get(0)?.map.translate(STACK + 1)).toBe(0x7fffffffe);
    expect(done.strays).toBe(0);
  });

  test('recorded with another stack limit: does mmap begin below it, and is memory without a limit unlimited?', () => {
    const stream = program().call('mmap', [0, PAGE, RW, PRIVATE_ANON, -1, 0], ANYWHERE * PAGE);
    const environment = { variables: 1, bytes: 4, locale: 'C', limits: { stack: 2 ** 30, as: 2 ** 35 } };
    const done = Replay.start(new Machine({ memory: 64 << 20 }), recordingOf([stream], [], { environment }));
    done.finish();
    const [{ process, map }] = [...done.processes.values()];
    // TASK_SIZE less 1 GiB of stack and 1 MiB of guard gap; the vdso took the eight pages below.
    expect(map.translate(ANYWHERE)).toBe((2 ** 47 - PAGE - 2 ** 30 - 2 ** 20) / PAGE - 9);
    expect([process.rlimits.soft[RLIMIT_AS], process.rlimits.soft[RLIMIT_MEMLOCK]]).toEqual([2 ** 35, RLIM_INFINITY]);
  });

  test('without a map of a page: is the run counted and left out?', () => {
    const done = replay([program().touch(0x58000), program().fetch(CODE)]);
    expect(reportOf(done, 1).strayRuns).toBe(1);
  });
});

describe('mapping calls', () => {
  test('a mapping touched, moved and unmapped: do pages follow it?', () => {
    const moved = ANYWHERE + 100;
    const stream = program()
      .call('mmap', [0, 8 * PAGE, RW, PRIVATE_ANON, -1, 0], ANYWHERE * PAGE)
      .touch(ANYWHERE, 8, 1)
      .call('mremap', [ANYWHERE * PAGE, 8 * PAGE, 16 * PAGE, 1, 0], moved * PAGE)
      .touch(moved, 16, 1)
      .call('munmap', [moved * PAGE, 4 * PAGE], 0)
      .touch(moved + 4, 12);
    const done = replay([stream]);
    expect(faults(done)['[anon]']).toBe(16);
    expect(reportOf(done, 1)).toMatchObject({ strayRuns: 0, mismatches: {} });
    expect(done.processes.get(0)?.map.translate(moved)).toBe(-1);
  });

  test('MAP_FIXED over a part of a mapping: does it take exactly its place?', () => {
    const stream = program()
      .call('mmap', [0, 8 * PAGE, RW, PRIVATE_ANON, -1, 0], ANYWHERE * PAGE)
      .call('mmap', [(ANYWHERE + 2) * PAGE, 2 * PAGE, RW, PRIVATE_ANON | FIXED, -1, 0], (ANYWHERE + 2) * PAGE)
      .touch(ANYWHERE, 8, 1);
    const map = replay([stream]).processes.get(0)?.map;
    expect(map?.translate(ANYWHERE + 3)).toBe((map?.translate(ANYWHERE) ?? 0) + 3);
  });

  test('the heap: does it grow and shrink behind the program, as far as in the recording?', () => {
    const stream = program()
      .call('brk', [0], HEAP * PAGE)
      .call('brk', [(HEAP + 4) * PAGE], (HEAP + 4) * PAGE)
      .touch(HEAP, 4, 1)
      .call('brk', [(HEAP + 1) * PAGE], (HEAP + 1) * PAGE)
      .touch(HEAP + 2);
    const done = replay([stream]);
    expect(faults(done)['[heap]']).toBe(4);
    expect(done.strays).toBe(1);
    expect(done.processes.get(0)?.task.mm.brk).toBe(0x403000);
  });

  test('a call that the simulated kernel answers otherwise: is it told, and does the run go on?', () => {
    const stream = program()
      .call('mprotect', [ANYWHERE * PAGE, PAGE, 1], 0)
      .call('madvise', [DATA * PAGE, PAGE, 77], 0)
      .touch(DATA, 1, 1);
    const { mismatches } = reportOf(replay([stream]), 1);
    expect(mismatches).toEqual({ madvise: { count: 1, first: 'EINVAL instead of 0' } });
  });

  test('a mapping that the recording was refused: is it taken back?', () => {
    const done = replay([program().call('mmap', [0, 8 * PAGE, RW, PRIVATE_ANON, -1, 0], -12)]);
    expect(reportOf(done, 1).mismatches.mmap?.first).toMatch(/instead of ENOMEM$/);
    expect([...(done.processes.get(0)?.task.mm.vmas ?? [])].some((vma) => vma.pages === 8 && vma.isAnonymous)).toBe(
      false,
    );
  });
});

describe('files', () => {
  const data = { path: '/data', inode: 20, size: 10 * PAGE };
  const open = (stream: StreamMaker): StreamMaker =>
    stream.event({ type: 'file', id: 1, fd: 3, device: 1, mode: 0o100644, ...data }).call('openat', [-100, 0, 2], 3, 1);

  test('a read: is the buffer touched by the kernel and the file found in the cache?', () => {
    const stream = open(program())
      .call('mmap', [0, 4 * PAGE, RW, PRIVATE_ANON, -1, 0], ANYWHERE * PAGE)
      .event({ type: 'kernelWrite', address: ANYWHERE * PAGE, length: 4 * PAGE })
      .call('read', [3, ANYWHERE * PAGE, 4 * PAGE], 4 * PAGE, 1, 4 * PAGE)
      .touch(ANYWHERE, 4);
    const done = replay([stream], [data]);
    expect(faults(done)['[anon]']).toBe(4);
    expect(reportOf(done, 1)).toMatchObject({ mismatches: {}, faults: { major: 0 } });
  });

  test('with a cold cache: are the first faults on a mapped file major?', () => {
    const stream = open(program())
      .call('mmap', [0, 10 * PAGE, 1, 2, 3, 0], ANYWHERE * PAGE, 1)
      .touch(ANYWHERE, 10);
    const cold = Replay.start(new Machine({ memory: 64 << 20 }), recordingOf([stream], [data]), { cold: true });
    cold.finish();
    const row = reportOf(cold, 1).faults.byMapping.find(({ mapping }) => mapping === '/data');
    expect(row?.major).toBeGreaterThan(0);
  });

  test('with one cold file: is that one read from the disk and another one not?', () => {
    const stream = open(program())
      .event({ type: 'file', id: 2, fd: 4, device: 1, mode: 0o100644, path: '/warm', inode: 21, size: 10 * PAGE })
      .call('openat', [-100, 0, 2], 4, 2)
      .call('mmap', [0, 10 * PAGE, 1, 2, 3, 0], ANYWHERE * PAGE, 1)
      .call('mmap', [0, 10 * PAGE, 1, 2, 4, 0], (ANYWHERE + 16) * PAGE, 2)
      .touch(ANYWHERE, 10)
      .touch(ANYWHERE + 16, 10);
    const cold = Replay.start(new Machine({ memory: 64 << 20, readAhead: 0 }), recordingOf([stream], [data]), {
      coldFiles: ['/data'],
    });
    cold.finish();
    const { faults, processes } = reportOf(cold, 1);
    const majorOf = (path: string): number | undefined =>
      faults.byMapping.find(({ mapping }) => mapping === path)?.major;
    expect([majorOf('/data'), majorOf('/warm')]).toEqual([10, 0]);
    expect(processes.map(({ readBytes }) => readBytes)).toEqual([10 * PAGE]);
  });

  test('a file that grows by writes: does it have its new size and dirty pages?', () => {
    const stream = open(program())
      .event({ type: 'kernelRead', address: DATA * PAGE, length: PAGE })
      .call('write', [3, DATA * PAGE, PAGE], PAGE, 1, 11 * PAGE);
    const done = replay([stream], [data]);
    const inode = done.machine.kernel.files.names.find('/data');
    expect([inode?.size, inode?.dirtyPages]).toEqual([11 * PAGE, 1]);
  });
});

test('shared memory with a name: does each page fault alone, and does another process see the same pages?', () => {
  const shm = { device: 21, inode: 7, size: 0, mode: 0o100600, path: '/dev/shm/x' };
  const useIt = (stream: StreamMaker): StreamMaker =>
    stream
      .event({ type: 'file', id: 9, fd: 5, ...shm })
      .call('openat', [-100, 0, 2], 5, 9)
      .call('ftruncate', [5, 32 * PAGE], 0, 9)
      .call('mmap', [0, 32 * PAGE, RW, 1, 5, 0], ANYWHERE * PAGE, 9)
      .touch(ANYWHERE, 32, 1);
  const other = new StreamMaker(1, 101).event({ type: 'forked', pid: 101, parentPid: 100 }).start();
  const done = replay([useIt(program()).call('fork', [], 101), useIt(other)]);
  expect(faults(done)['/dev/shm/x']).toBe(64);
  expect([...done.processes.values()].map(({ task }) => task.mm.rss[MM_SHMEMPAGES])).toEqual([32, 32]);
  expect([...done.machine.kernel.files.inodes].filter(({ name }) => name === '/dev/shm/x')).toHaveLength(1);
});

describe('processes', () => {
  const parent = (call: 'fork' | 'vfork'): StreamMaker => program().touch(DATA, 1, 1).call(call, [], 101);
  const child = (): StreamMaker => new StreamMaker(1, 101).event({ type: 'forked', pid: 101, parentPid: 100 });

  test('a fork: does the child copy what it writes?', () => {
    const done = replay([parent('fork'), child().touch(DATA, 1, 1).event({ type: 'end', exitCode: 0 })]);
    expect(
      reportOf(done, 1)
        .processes.map(({ minorFaults }) => minorFaults)
        .at(-1),
    ).toBe(1);
  });

  test('a vfork: does the child share its parent until it execs, and then have a space of its own?', () => {
    const done = replay([parent('vfork'), child().touch(DATA, 1, 1).start().touch(DATA, 1, 1)]);
    const [first, second] = [...done.processes.values()];
    expect(first.task.mm).not.toBe(second.task.mm);
    expect(first.task.mm.users).toBe(1);
    // Stack and vdso of its own start, and its data; nothing of what it shared.
    expect(second.task.minFlt).toBe(3);
  });

  test('threads: do they share the memory, and does each have its own faults?', () => {
    const stream = program()
      .event({ type: 'threadCreate', parent: 1, tid: 2 })
      .event({ type: 'thread', tid: 2, lwp: 101 })
      .touch(DATA, 1, 1)
      .event({ type: 'thread', tid: 1, lwp: 100 })
      .touch(DATA, 1, 1);
    const tasks = replay([stream]).processes.get(0)?.process.tasks ?? [];
    expect(tasks.map(({ minFlt }) => minFlt)).toEqual([2, 1]);
  });
});

test('a recording of accesses alone: does memory appear where it is touched?', () => {
  const stream = new StreamMaker(0, 100).fetch(0x400, 10).touch(0x500, 3, 1).touch(0x1ffe000, 1);
  const done = Replay.start(new Machine({ memory: 64 << 20 }), recordingOf([stream], [], { source: 'lackey' }));
  done.finish();
  expect(faults(done)).toEqual({ '[anon]': 5 });
  expect(done.strays).toBe(0);
});
