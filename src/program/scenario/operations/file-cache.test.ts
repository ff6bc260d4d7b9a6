import { expect, test } from 'vitest';
import type { Answer } from '../answer.ts';
import { noHostFiles, type OpenHostFile } from '../host-files.ts';
import { parseScenario } from '../parser.ts';
import { runScenario } from '../runner.ts';

/** The answers to some lines on a small machine. */
function run(lines: string[], openHostFile: OpenHostFile = noHostFiles): Answer[] {
  return runScenario(parseScenario('t.txt', lines.join('\n')), { memory: 64 << 20 }, { openHostFile });
}

/** The entry of the only file in an answer of `cache`. */
function fileOf(answer: Answer | undefined): Answer {
  const [file] = (answer?.files ?? []) as Answer[];
  return file ?? {};
}

const listOf = (file: Answer, key: string): Answer[] => (file[key] ?? []) as Answer[];

/** How many pages of a `pages` answer's string are of a file, in its runs `F*13 A*3`. */
function filePages(answer: Answer | undefined): number {
  const [region] = (answer?.regions ?? []) as Answer[];
  const runs = String(region?.pagemap).matchAll(/[Ff](?:\*(\d+))?/g);
  return [...runs].reduce((sum, [, count]) => sum + Number(count ?? 1), 0);
}

test('does the view of a file tell who maps its pages, and who pays for them?', () => {
  const answers = run([
    'cgroup one',
    'file f size=64p',
    'spawn A cg=one',
    'A open f f',
    'A read f size=16p',
    'spawn B',
    'B open f f',
    'B mmap m len=64p flags=private fd=f',
    'B touch m r len=40p',
    'B touch m w len=3p',
    'B pwrite f off=8p size=2p',
    'B pages m',
    'cache f',
    'B fork C',
    'C munmap m len=8p',
    'cache',
  ]);
  const before = fileOf(answers[12]);
  // Three of the mapped pages were replaced by private copies, which are no pages of the file.
  expect(listOf(before, 'mappers')).toEqual([{ process: 'B', pages: filePages(answers[11]) }]);
  expect([before.size, before.dirty, before.mapped]).toEqual([64 * 4096, 2, filePages(answers[11])]);
  const payers = listOf(before, 'payers');
  expect(payers.reduce((sum, { pages }) => sum + (pages as number), 0)).toBe(before.cached);
  expect(payers.find(({ cgroup }) => String(cgroup).includes('one'))?.pages).toBeGreaterThanOrEqual(16);
  const mappers = listOf(fileOf(answers[15]), 'mappers');
  expect(mappers).toEqual([
    { process: 'B', pages: filePages(answers[11]) },
    { process: 'C', pages: filePages(answers[11]) - 5 },
  ]);
});

test('do pages of large folios have a payer too, who is rid of them when they go?', () => {
  const answers = run([
    '# dir: ext4',
    'cgroup one',
    'file f size=4M',
    'spawn A cg=one',
    'A open f f',
    'A read f size=1M n=4',
    'cache f',
    'cgstat one',
    'evict f',
    'cgstat one',
  ]);
  const [payer, ...others] = listOf(fileOf(answers[5]), 'payers');
  expect([payer?.pages, others]).toEqual([1024, []]);
  const [before, after] = [answers[6]?.current_p, answers[8]?.current_p] as [number, number];
  // What is charged ahead, at most a batch, stays.
  expect(before - after).toBeGreaterThanOrEqual(1024 - 64);
});

test('is a page gone from the view with the cache, and an unknown file an error?', () => {
  const answers = run(['file f size=4p cached', 'cache f', 'evict f', 'cache f', 'cache nope']);
  expect(answers.map((answer) => fileOf(answer).cached)).toEqual([undefined, 4, undefined, 0, undefined]);
  expect(answers.at(-1)?.errno).toBe('ENOENT');
});

const HELLO = new TextEncoder().encode('hello, host');
const hello: OpenHostFile = (path) => {
  if (path !== 'greeting') return 'there is no such file';
  return {
    size: HELLO.length,
    read: (offset, into) => {
      into.set(HELLO.subarray(offset));
      return Math.max(0, HELLO.length - offset);
    },
  };
};

test('does a file of the host have its size and its bytes, through read and through a mapping?', () => {
  const answers = run(
    [
      'hostfile g greeting',
      'cache g',
      'spawn A',
      'A open f g',
      'A mmap buffer len=1p',
      'A read f size=4K buf=buffer',
      'A peek buffer len=11',
      'A mmap m len=1p prot=r flags=shared fd=f',
      'A peek m len=11',
    ],
    hello,
  );
  const hex = [...HELLO].map((byte) => byte.toString(16)).join('');
  expect(fileOf(answers[1])).toEqual({ file: 'g', size: 11, cached: 0 });
  expect([answers[5]?.ret, answers[6]?.bytes, answers[8]?.bytes]).toEqual([11, hex, hex]);
});

test('is a file that the host does not have told with file and line?', () => {
  expect(() => run(['spawn A', 'hostfile g nowhere'], hello)).toThrow(
    't.txt:2: cannot read nowhere: there is no such file',
  );
  expect(() => run(['hostfile g greeting'])).toThrow('t.txt:1: cannot read greeting: no files of the host are at hand');
});

test('are files cached in large folios, page by page when the machine has none, and so where the file system has none?', () => {
  const folios = (directory: string, largeFolios?: boolean): unknown => {
    const lines = [
      `# dir: ${directory}`,
      'file f size=256p',
      'spawn A',
      'A open f f',
      'A read f size=256p',
      'fpages f',
    ];
    const options = { memory: 64 << 20, ...(largeFolios === undefined ? {} : { largeFolios }) };
    return runScenario(parseScenario('t.txt', lines.join('\n')), options, { openHostFile: noHostFiles }).at(-1)?.folios;
  };
  expect(folios('ext4')).toContain('h t*');
  expect(folios('ext4', true)).toEqual(folios('ext4'));
  expect(folios('ext4', false)).toBe('1*256');
  expect(folios('ext4-small')).toBe('1*256');
});
