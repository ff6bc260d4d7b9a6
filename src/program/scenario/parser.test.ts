import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MACHINE_OPERATIONS, PROCESS_OPERATIONS } from './operations/table.ts';
import { parseScenario } from './parser.ts';
import { ScenarioError } from './scenario-error.ts';

/** The message for a scenario that is wrong; its lines follow `spawn A` and a mapping `r`. */
function mistake(...lines: string[]): string {
  try {
    parseScenario('my.txt', ['spawn A', 'A mmap r len=4p', ...lines].join('\n'));
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return 'no mistake';
}

test('does a scenario keep its lines, their places and its file system?', () => {
  const scenario = parseScenario(
    's.txt',
    '# dir: ext4\n\n# a comment\nspawn A\n  A mmap r len=1p # four\nA brk 4K  \r\n',
  );
  expect(scenario.directory).toBe('ext4');
  expect(scenario.lines.map(({ place, text }) => [place.line, text])).toEqual([
    [4, 'spawn A'],
    [5, '  A mmap r len=1p # four'],
    [6, 'A brk 4K'],
  ]);
});

test('is a mistyped operation named with its line and what was meant?', () => {
  expect(mistake('A tuch r w')).toBe('my.txt:3: unknown operation "tuch"; did you mean "touch"?');
  expect(mistake('spwan B')).toBe('my.txt:3: unknown operation "spwan"; did you mean "spawn"?');
  expect(mistake('A fnord')).toMatch(/^my.txt:3: unknown operation "fnord"; a process knows mmap, /);
});

test('is an unknown process told from an unknown operation?', () => {
  expect(mistake('B touch r')).toBe('my.txt:3: no process "B" was spawned; did you mean "A"?');
  expect(mistake('', '', 'worker1 touch r')).toBe(
    'my.txt:5: no process "worker1" was spawned; `spawn worker1` makes it',
  );
});

test('is an unknown option, value, flag or operand named?', () => {
  expect(mistake('A touch r w eech=1')).toBe(
    'my.txt:3: touch has no option "eech="; did you mean "each"?; usage: touch A [MODE] [len=] [off=] [stride=] [order=] [each=] [delay=] [val=] [probe=]',
  );
  expect(mistake('A mmap s flags=privat')).toBe('my.txt:3: unknown mmap flag "privat"; did you mean "private"?');
  expect(mistake('A mmap s len=4pages')).toMatch(/^my.txt:3: "4pages" is no number/);
  expect(mistake('A madvise r dontned')).toBe('my.txt:3: unknown advice "dontned"; did you mean "dontneed"?');
  expect(mistake('A mprotect r')).toMatch(/^my.txt:3: prot= is missing; usage: mprotect A prot= \[len=\]/);
  expect(mistake('A munmap')).toMatch(/^my.txt:3: A is missing; usage: munmap A/);
  expect(mistake('A munmap r s')).toMatch(/^my.txt:3: munmap does not expect "s"/);
});

test('is a region that nothing mapped found before anything runs?', () => {
  expect(mistake('A touch q')).toBe('my.txt:3: A has no region "q"; did you mean "r"?');
  expect(mistake('A touch buffer')).toBe('my.txt:3: A has no region "buffer" (it has r)');
  expect(mistake('A fork B', 'B touch r', 'B touch stack-4K')).toBe('no mistake');
  expect(mistake('spawn B', 'B touch r')).toBe('my.txt:4: B has no region "r" (none was mapped yet)');
});

test('may a name hide a place that every process has?', () => {
  expect(mistake('A mmap stack len=1p')).toBe('my.txt:3: "stack" has a meaning of its own; choose another name');
  expect(mistake('A mmap 12 len=1p')).toMatch(/^my.txt:3: "12" is no name/);
});

test('is an unknown file system refused?', () => {
  expect(() => parseScenario('f', '# dir: xfs\n')).toThrow('f:1: unknown file system "xfs"');
});

const word = fc.oneof(
  fc.constantFrom(
    'A',
    'B',
    'r',
    'len=4p',
    'len=',
    '=',
    'flags=anon',
    'prot=rwx',
    'stack-4K',
    'r+',
    '#',
    'order=rand:',
    '-1',
  ),
  fc.constantFrom(...PROCESS_OPERATIONS.keys(), ...MACHINE_OPERATIONS.keys()),
  fc.string({ maxLength: 12 }),
);

test('is any text a scenario or a mistake with file and line?', () => {
  const lines = fc.array(
    fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(lines, (text) => {
      try {
        parseScenario('f.txt', `spawn A\n${text.join('\n')}`);
      } catch (error) {
        expect(error).toBeInstanceOf(ScenarioError);
        expect((error as Error).message).toMatch(/^f\.txt:\d+: \S/);
      }
    }),
    { numRuns: 2000 },
  );
});
