import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { faultline } from './testing/faultline.ts';

test('does a line run on a machine of the size asked for, and end with its exit code?', () => {
  const { stdout, code } = faultline(['shell', '--memory', '64M', '-c', 'free -m | head -2 | tail -1; false']);
  expect(stdout.split(/\s+/).slice(0, 2)).toEqual(['Mem:', '64']);
  expect(code).toBe(1);
});

test('is the standard input a script when nobody sits there?', () => {
  const bin = new URL('../../bin/faultline.js', import.meta.url).pathname;
  const { stdout } = spawnSync(process.execPath, [bin, 'shell'], { input: 'x=5\necho $((x * 2))\n', encoding: 'utf8' });
  expect(stdout).toBe('10\n');
});

test('is a wrong call one clear sentence and exit code 2?', () => {
  for (const [args, message] of [
    [['shell', 'no-such-script'], /^faultline: no-such-script: /],
    [['shell', '-c', 'free', '-m'], /^faultline: unknown option "-m"/],
    [['shell', '-c', 'free', 'twice'], /^faultline: shell: unexpected "twice"/],
    [['shell', '--memory', 'lots', '-c', 'free'], /^faultline: --memory lots: /],
  ] as const) {
    const { stderr, code } = faultline([...args]);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  }
});

test('is the machine of an OOM report there as it was before the kill, and does it say what is not known?', () => {
  const report = new URL('../advisor/oom/fixtures/30.log', import.meta.url).pathname;
  const { stdout, stderr, code } = faultline(['shell', '--oom-report', report, '-c', 'ps aux; dmesg']);
  expect(stdout).toMatch(/^root +23793 .* leaker$/m);
  expect(stdout).not.toContain('Killed process');
  expect(stderr).toContain('faultline: the report does not tell which pages processes share');
  expect(code).toBe(0);
  const none = faultline(['shell', '--oom-report', new URL(import.meta.url).pathname, '-c', 'ps']);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('there is no OOM report with a table')]);
});
