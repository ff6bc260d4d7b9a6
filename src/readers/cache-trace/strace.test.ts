import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { collect } from './testing/collect.ts';

const pages = (trace: string): string[] => collect('strace', trace, { blocks: true }).requests;

const OPEN = 'openat(AT_FDCWD, "a", O_RDWR|O_CREAT, 0666) = 3\n';

describe('calls', () => {
  test.each([
    [
      'reads go on where the last one ended',
      'read(3, "x"..., 4096) = 4096\nread(3, "y", 4096) = 1\nread(3, "", 1) = 0\n',
      '0 1',
    ],
    ['a failed call touches nothing', 'read(3, 0x0, 10) = -1 EFAULT (Bad address)\nread(3, "y", 1) = 1\n', '0'],
    ['lseek moves', 'lseek(3, 8192, SEEK_SET) = 8192\nreadv(3, [{iov_base="a", iov_len=1}], 1) = 1\n', '2'],
    ['pread64 has its own offset', 'pread64(3, ") = 7, 8", 2, 4095) = 2\nread(3, "x", 1) = 1\n', '0 1 0'],
    [
      'preadv2 with -1 uses the position',
      'preadv2(3, [{iov_base="", iov_len=4097}], 1, -1, RWF_NOWAIT) = 4097\n',
      '0 1',
    ],
    ['a duplicate shares the position', 'dup2(3, 9) = 9\nwrite(9, "x"..., 4096) = 4096\nwrite(3, "y", 1) = 1\n', '0 1'],
    ['fcntl duplicates', 'fcntl(3, F_DUPFD_CLOEXEC, 10) = 11\nclose(3) = 0\nread(11, "x", 1) = 1\n', '0'],
    ['other fcntls do not', 'fcntl(3, F_GETFL) = 4\nread(4, "x", 1) = 1\n', ''],
    [
      'sendfile reads',
      'sendfile(1, 3, NULL, 5000) = 5000\nsendfile(1, 3, [0] => [1], 1) = 1\nread(3, "", 1) = 1\n',
      '0 1 0 1',
    ],
    ['a closed descriptor is none', 'close(3) = 0\nread(3, "x", 1) = 1\n', ''],
    ['what was never opened is passed over', 'read(0, "x", 1) = 1\nrecvfrom(5, "x", 1) = 1\n', ''],
    [
      '-T, -t and padding do not disturb',
      '12:00:01.5 read(3, "x", 1)      = 1 <0.000012>\n1.25 read(3, "x", 1) = 1\n',
      '0 0',
    ],
    ['a string that looks like a result is none', 'write(3, "f() = 3", 7)  = 7\n', '0'],
  ])('%s?', (_, calls, expected) => {
    const names = expected === '' ? [] : expected.split(' ').map((page) => `0:${page}`);
    expect(pages(OPEN + calls)).toEqual(names);
  });

  test('does it tell the calls, each open file a stream of its own?', () => {
    const trace = `${OPEN}12:00:00.25 pread64(3, "x", 10, 4096) = 10
23:59:59.25 openat(AT_FDCWD, "a", O_RDONLY) = 4
00:00:00 write(3, "x", 1) = 1
00:00:01 sendfile(1, 4, NULL, 5) = 5
`;
    const start = 12 * 3600 + 0.25;
    expect(collect('strace', trace).calls).toEqual([
      'read 0/1:4096+10 at 0',
      `write 0/1:0+1 at ${(24 * 3600 - start) * 1e9}`,
      `read 0/2:0+5 at ${(24 * 3600 + 1 - start) * 1e9}`,
    ]);
  });

  test('are seconds since 1970 and since the last call told apart?', () => {
    const at = (...times: string[]): string[] =>
      collect('strace', OPEN + times.map((time) => `${time} read(3, "x", 1) = 1\n`).join('')).calls.map(
        (call) => call.split(' ')[3] as string,
      );
    expect(at('1700000000.5', '1700000002.0')).toEqual(['0', '1500000000']);
    expect(at('     0.25', '     0.5')).toEqual(['250000000', '750000000']);
  });

  test('does O_APPEND write at the end of the file as far as it is known?', () => {
    const trace = `${OPEN}write(3, "x"..., 5000) = 5000
openat(AT_FDCWD, "a", O_WRONLY|O_APPEND) = 4
write(4, "x"..., 4000) = 4000
`;
    expect(pages(trace)).toEqual(['0:0', '0:1', '0:1', '0:2']);
  });

  test('does -y tell what was open before the trace began?', () => {
    const trace = 'read(5</srv/a>, "x", 1) = 1\nread(5</srv/a>, "x"..., 4096) = 4096\nread(6<pipe:[77]>, "x", 1) = 1\n';
    expect(pages(trace)).toEqual(['0:0', '0:0', '0:1']);
    expect(pages('openat(AT_FDCWD</home>, "a", O_RDONLY) = 3</home/a>\nread(4</home/a>, "x", 1) = 1\n')).toEqual([
      '0:0',
    ]);
  });

  test('does a whole request stay one?', () => {
    const trace = `${OPEN}read(3, "x"..., 9000) = 9000\n`;
    expect(collect('strace', trace, { blocks: true, wholeObjects: true }).requests).toEqual(['0:0']);
  });
});

describe('processes', () => {
  test('are interrupted calls put together, by process?', () => {
    const trace = `7 openat(AT_FDCWD, "a", O_RDONLY) = 3
7 read(3,  <unfinished ...>
8 openat(AT_FDCWD, "b", O_RDONLY <unfinished ...>
7 <... read resumed>"x"..., 4096) = 4096
8 <... openat resumed>) = 3
8 read(3, "x", 1) = 1
7 read(3, "x", 1) = 1
9 <... read resumed>"x", 1) = 1
`;
    expect(pages(trace)).toEqual(['0:0', '1:0', '0:1']);
  });

  test('does a thread share the table, and a child have its own with the same open files?', () => {
    const trace = `[pid 1] ${OPEN}[pid 1] clone(child_stack=NULL, flags=CLONE_VM|CLONE_FILES) = 2
[pid 2] openat(AT_FDCWD, "b", O_RDONLY) = 4
[pid 1] read(4, "x", 1) = 1
[pid 1] fork() = 5
[pid 5] read(3, "x"..., 4096) = 4096
[pid 5] close(3) = 0
[pid 1] read(3, "x", 1) = 1
[pid 5] read(3, "x", 1) = 1
`;
    expect(pages(trace)).toEqual(['1:0', '0:0', '0:1']);
  });

  test('does exec close what is marked so?', () => {
    const trace = `${OPEN}openat(AT_FDCWD, "b", O_RDONLY|O_CLOEXEC) = 4
execve("/bin/x", ["x"], 0x7ffd /* 1 vars */) = 0
read(4, "x", 1) = 1
read(3, "x", 1) = 1
`;
    expect(pages(trace)).toEqual(['0:0']);
  });

  test('is the first process known under its number when it gets one?', () => {
    const trace = `${OPEN}clone(child_stack=NULL, flags=SIGCHLD) = 12
[pid 11] read(3, "x", 1) = 1
`;
    expect(pages(trace)).toEqual(['0:0']);
  });

  test('are lines that a message of strace has torn put together?', () => {
    const trace = `${OPEN}read(3, strace: Process 22 attached
 <unfinished ...>
[pid 22] read(3, "x", 1) = 1
<... read resumed>"x", 1) = 1
clone(flags=SIGCHLDstrace: Process 23 attached
, child_tidptr=0x7f) = 23
`;
    expect(pages(trace)).toEqual(['0:0', '0:0']);
  });

  test('does a recorded shell script with children, redirections and appends touch the right pages?', () => {
    const text = readFileSync(new URL('fixtures/fork.strace', import.meta.url), 'utf8');
    const opened = [...new Set([...text.matchAll(/openat\(AT_FDCWD, "([^"]+)".*\) = \d/g)].map((match) => match[1]))];
    const ofFile = (name: string): string[] =>
      pages(text)
        .filter((request) => request.startsWith(`${opened.indexOf(name)}:`))
        .map((request) => request.split(':')[1]);
    // cat 10000 bytes; head -c 5000 in two reads; tail -c 100 after an lseek.
    expect(ofFile('book')).toEqual(['0', '1', '2', '0', '1', '2']);
    // 10000 bytes, then appended by other processes: 4096, 904 and 100.
    expect(ofFile('log')).toEqual(['0', '1', '2', '2', '3', '3', '3']);
  });
});

test.each([
  ['not a line of strace', 'is no line of strace'],
  ['read(3, "x", 1)', 'is no line of strace'],
  ['read() = 5', 'the arguments of read in "read() = 5" are incomplete'],
  ['pread64(3, "x") = 5', 'the arguments of pread64'],
])('does the damaged line %j name itself?', (line, message) => {
  expect(() => pages(`${OPEN}${line}\n`)).toThrow(message);
  expect(() => pages(`${OPEN}${line}\n`)).toThrow(/^line 2: /);
  const trace = `${OPEN}${line}\nread(3, "x", 1) = 1\n`;
  expect(collect('strace', trace, { skip: true, blocks: true })).toMatchObject({ requests: ['0:0'], skipped: 1 });
});
