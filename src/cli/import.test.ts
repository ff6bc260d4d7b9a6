import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { faultline } from './testing/faultline.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = '==9== Command: ls /\nI  1000,4\n L 2000,8\n';
const text = join(folder, 'text.txt');
writeFileSync(text, TEXT);
const empty = join(folder, 'empty.txt');
writeFileSync(empty, '');

test('is what cannot be imported one sentence with exit code 2?', () => {
  const none = join(folder, 'none.txt');
  const sentences: [args: string[], message: string][] = [
    [[none], `cannot read ${none}: there is no such file`],
    [[folder], `cannot read ${folder}: it is a directory`],
    [[text, '-o', '/no/such/folder/x.flt'], 'cannot write /no/such/folder/x.flt: there is no such folder'],
    [[text, '-o', folder], `cannot write ${folder}: it is a directory`],
    [[text, '-o', text], `${text} is the text itself; name another file for the recording`],
  ];
  for (const [args, message] of sentences) {
    const { code, stderr } = faultline(['import', 'lackey', ...args], { cwd: folder });
    expect([code, stderr]).toEqual([2, `faultline: ${message}\n`]);
  }
  expect(readFileSync(text, 'utf8')).toBe(TEXT);
});

test('is a text without an access told from one with some?', () => {
  const { code, stderr } = faultline(['import', 'lackey', empty], { cwd: folder });
  expect(code).toBe(2);
  expect(stderr).toContain(`faultline: ${empty}: there is no access in it; was it made with --trace-mem=yes?\n`);
  expect(faultline(['import', 'lackey', text], { cwd: folder }).code).toBe(0);
});
