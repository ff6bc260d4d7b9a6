import { expect, test } from 'vitest';
import type { FileCache } from './file-cache.ts';
import { fileCacheText, fincoreText, humanSize, residencyChart, vmtouchText } from './file-cache-text.ts';

const file = (name: string, bytes: number, resident: [number, number][], more: Partial<FileCache> = {}): FileCache => {
  const cached = resident.reduce((sum, [first, end]) => sum + end - first, 0);
  const counts = { cached, active: 0, inactive: cached, unevictable: 0, dirty: 0, writeback: 0, mapped: 0 };
  const pages = Math.ceil(bytes / 4096);
  return { name, bytes, pages, ...counts, resident, mappers: [], payers: [], ...more };
};

// The files that the tools were asked about on a real machine, read so that these pages were resident.
const a = file('vt/a', 819_200, [
  [0, 20],
  [100, 101],
  [150, 152],
]);
const b = file('vt/b', 3000, [[0, 1]]);
const c = file('vt/c', 1_228_800, [[0, 300]]);
const empty = file('vt/empty', 0, []);

test('is fincore byte for byte what the real one printed of the same files?', () => {
  expect(fincoreText([a, b, empty])).toBe(
    '  RES PAGES  SIZE FILE\n  92K    23  800K vt/a\n   4K     1  2.9K vt/b\n   0B     0    0B vt/empty\n',
  );
  expect(fincoreText([b])).toBe('RES PAGES  SIZE FILE\n 4K     1  2.9K vt/b\n');
  expect(fincoreText([empty])).toBe('RES PAGES SIZE FILE\n 0B     0   0B vt/empty\n');
  expect(fincoreText([c])).toBe('  RES PAGES  SIZE FILE\n 1.2M   300  1.2M vt/c\n');
  expect(fincoreText([a, b], true)).toBe('  RES PAGES   SIZE FILE\n94208    23 819200 vt/a\n 4096     1   3000 vt/b\n');
});

test('is vmtouch byte for byte what the real one printed, but for the time it took?', () => {
  expect(vmtouchText([a])).toBe(
    [
      'vt/a',
      '[OOOOO                    o           o            ] 23/200',
      '',
      '           Files: 1',
      '     Directories: 0',
      '  Resident Pages: 23/200  92K/800K  11.5%',
      '',
    ].join('\n'),
  );
  const [total] = vmtouchText([a, b]).match(/Resident.*/) ?? [];
  expect(total).toBe('Resident Pages: 24/201  96K/804K  11.9%');
  expect(vmtouchText([b, empty])).toContain('Files: 2\n     Directories: 0\n  Resident Pages: 1/1  4K/4K  100%\n');
});

test('does the chart keep to its width, and tell whole, part and nothing apart at its end?', () => {
  for (let pages = 1; pages < 400; pages += 7) {
    const whole = residencyChart(file('x', pages * 4096, [[0, pages]]));
    expect(whole).toMatch(/^O{1,60}$/);
    const last = residencyChart(file('x', pages * 4096, [[pages - 1, pages]]));
    const alone = pages % Math.ceil((pages + 1) / 60) === 1 || pages <= 60;
    expect(last.trimStart(), `${pages} pages`).toBe(alone ? 'O' : 'o');
  }
});

test('are sizes rounded to one digit, up to the next unit?', () => {
  const sizes: [number, string][] = [
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1K'],
    [3000, '2.9K'],
    [1_048_000, '1023.4K'],
    [64 << 20, '64M'],
    [2 ** 30 + 2 ** 29, '1.5G'],
  ];
  for (const [bytes, text] of sizes) expect(humanSize(bytes)).toBe(text);
});

test('does the table name who maps a file and who pays for it?', () => {
  const users = { mappers: [{ pid: 7, comm: 'java', pages: 20 }], payers: [{ cgroup: '/docker/x', pages: 23 }] };
  expect(fileCacheText([{ ...a, ...users, mapped: 20, dirty: 3 }]).split('\n')).toEqual([
    ' SIZE CACHED ACTIVE INACTIVE DIRTY WRITEBACK MAPPED FILE',
    ' 800K    92K     0B      92K   12K        0B    80K vt/a',
    '    mapped by java (7): 80K',
    '    charged to /docker/x: 92K',
    '',
  ]);
});
