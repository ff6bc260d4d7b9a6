import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { faultline } from './testing/faultline.ts';

const REPORTS = join(import.meta.dirname, '../advisor/oom/fixtures');
const LEAKER = join(REPORTS, '30.log');
const folder = mkdtempSync(join(tmpdir(), 'faultline-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('faultline explain oom', () => {
  test('does the answer for people say what ran out, who died, why, and what would have helped?', () => {
    const { code, stdout, stderr } = faultline(['explain', 'oom', LEAKER]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const part of [
      'Linux 5.2.0-rc7',
      'cgroup /leaker',
      'leaker (23793)',
      'rule and kernel agree',
      '= total',
      'oom_score_adj=',
      'sh (23777)',
    ])
      expect(stdout).toContain(part);
  });

  test('is --json one object, with the promised keys, for several events and for none?', () => {
    const both = join(folder, 'both.log');
    writeFileSync(both, readFileSync(LEAKER, 'utf8') + readFileSync(join(REPORTS, '05.log'), 'utf8'));
    const { reports } = JSON.parse(faultline(['explain', 'oom', both, '--json']).stdout);
    expect(reports.map(({ killed }: { killed: { pid: number }[] }) => killed[0]?.pid)).toEqual([23_793, 2512]);
    for (const key of [
      'kernel',
      'constraint',
      'invoker',
      'killed',
      'ranking',
      'agrees',
      'memory',
      'whatIf',
      'next',
      'missing',
    ])
      expect(reports[0]).toHaveProperty(key);
    writeFileSync(both, 'nothing happened\n');
    expect(JSON.parse(faultline(['explain', 'oom', '--json', both]).stdout)).toEqual({ reports: [] });
    expect(faultline(['explain', 'oom', both]).stdout).toContain('no OOM report in it');
  });

  test.each([
    [['explain', 'oom', '/no/such/file'], 'there is no such file'],
    [['explain', 'oom', REPORTS], 'it is a directory'],
    [['explain', 'oom', '/no/such/file', '--json'], 'there is no such file'],
    [['explain', 'oom'], 'needs a FILE'],
    [['explain', 'oomm', LEAKER], 'explain explains oom'],
    [['explain', 'oom', LEAKER, LEAKER], 'one too many'],
    [['explain', 'oom', LEAKER, '--jsn'], 'unknown option'],
  ])('%j: is the mistake told in one sentence, with exit code 2?', (args, message) => {
    const { code, stdout, stderr } = faultline(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n').length).toBe(1);
  });
});
