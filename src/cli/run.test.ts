import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { faultline } from './testing/faultline.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A scenario file with these lines. */
function scenario(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const reading = scenario('reading.txt', 'file f size=1M', 'spawn A', 'A open f f', 'A read f size=1M');

test('does --costs put the time of each operation into the JSON, which has no such key without it?', () => {
  const timed = JSON.parse(faultline(['run', reading, '--json', '--costs', '--disk', 'hdd']).stdout);
  const plain = JSON.parse(faultline(['run', reading, '--json']).stdout);
  expect(timed[4].ns).toBeGreaterThan(9e6);
  expect(plain[4].ns).toBeUndefined();
  expect(Object.keys(timed[4]).filter((key) => key !== 'ns')).toEqual(Object.keys(plain[4]));
  const { code, stderr } = faultline(['run', reading, '--costs']);
  expect([code, stderr]).toEqual([2, 'faultline: --costs needs --json: the text shows them anyway\n']);
});

test('does --cache-report tell of each file at the end, in three layouts and as JSON?', () => {
  const report = (...more: string[]) => faultline(['run', reading, '--cache-report', ...more]).stdout;
  expect(report()).toContain('SIZE CACHED ACTIVE INACTIVE DIRTY WRITEBACK MAPPED FILE\n');
  expect(report('--cache-format', 'fincore')).toContain('RES PAGES SIZE FILE\n 1M   256   1M /ext4-small/f\n');
  expect(report('--cache-format', 'vmtouch')).toContain('  Resident Pages: 256/256  1M/1M  100%\n');
  const [file] = JSON.parse(report('--json')).at(-1).cache;
  expect(file).toMatchObject({ name: '/ext4-small/f', cached: 256, resident: [[0, 256]] });
  expect(faultline(['run', reading, '--cache-report', '--cache-format', 'top']).stderr).toBe(
    'faultline: --cache-format top: expected one of table, fincore, vmtouch\n',
  );
});

test("is hostfile seen from the scenario's folder, and a missing one told in one sentence?", () => {
  writeFileSync(join(folder, 'data.bin'), 'x'.repeat(10_000));
  mkdirSync(join(folder, 'sub'));
  const there = scenario('there.txt', 'hostfile d data.bin', 'spawn A', 'A open f d', 'A read f size=64K');
  expect(faultline(['run', there]).stdout).toMatch(/A read f size=64K .* ret 10000\n/);
  const reasons = { nowhere: 'there is no such file', sub: 'it is a directory' };
  for (const [path, reason] of Object.entries(reasons)) {
    const file = scenario('bad.txt', 'spawn A', `hostfile d ${path}`);
    const { code, stderr } = faultline(['run', file]);
    expect([code, stderr]).toEqual([2, `faultline: ${file}:2: cannot read ${path}: ${reason}\n`]);
  }
});
