import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { swapOptions } from './swap-options.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-swap-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('are size, kind, priority and discard read?', () => {
  expect(swapOptions(['64M', '1G,zram=3,prio=7', '2M,discard,zram'], false)).toEqual([
    { bytes: 64 << 20 },
    { bytes: 2 ** 30, kind: 'zram', compression: 3, priority: 7 },
    { bytes: 2 << 20, discard: true, kind: 'zram', compression: undefined },
  ]);
});

test.each([
  ['1K', '--swap 1K: expected a size from 1M to 256G, as in 512M'],
  ['64M,zram=0.5', '--swap 64M,zram=0.5: expected a ratio from 1 to 4096, as in zram=3'],
  ['64M,prio=40000', '--swap 64M,prio=40000: expected a priority from 0 to 32767'],
  ['64M,fast', '--swap 64M,fast: "fast" means nothing here; known are prio=N, zram[=RATIO], discard, file=PATH'],
  ['64M,file=/no/such', "--swap 64M,file=/no/such: this command's pages have no contents that a file could hold"],
])('does --swap %s say what is wrong?', (text, message) => {
  expect(() => swapOptions([text], false)).toThrow(message);
});

test('is a file made for a machine with contents, and no other file overwritten?', () => {
  const path = join(folder, 'swap');
  expect(swapOptions([`1M,file=${path}`], true)[0]?.backing).toBeDefined();
  const letter = join(folder, 'letter');
  writeFileSync(letter, 'dear reader');
  expect(() => swapOptions([`1M,file=${letter}`], true)).toThrow('it is there already and is no swap file');
  expect(() => swapOptions(['1M,file=/no/folder/swap'], true)).toThrow('there is no such folder');
});
