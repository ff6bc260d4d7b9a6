import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ReplayReport } from '../program/recording/replay-report.ts';
import { faultline } from './testing/faultline.ts';

const LS = join(import.meta.dirname, '../../recordings/ls.flt');
const SORT = join(import.meta.dirname, '../../recordings/sort.flt');
const folder = mkdtempSync(join(tmpdir(), 'faultline-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const json = (...args: string[]): ReplayReport => JSON.parse(faultline(['replay', ...args, '--json']).stdout);

describe('faultline replay', () => {
  test('does the report for people tell what ran, what it faulted and how its memory grew?', () => {
    const { code, stdout, stderr } = faultline(['replay', LS, '--cpu', 'skylake']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ls -l /);
    expect(stdout).toContain('Skylake');
    for (const part of ['minor faults', '[heap]', 'L1 data', 'page walks', 'minor fault', 'peak RSS', '█'])
      expect(stdout).toContain(part);
  });

  test('does --json have the promised keys, and do they add up?', () => {
    const report = json(LS);
    const { accesses, faults, tlb, time } = report;
    expect(accesses.fetches).toBe(report.instructions);
    expect(faults.byMapping.reduce((sum, { minor }) => sum + minor, 0)).toBe(faults.minor);
    expect(report.processes.reduce((sum, { minorFaults }) => sum + minorFaults, 0)).toBe(faults.minor);
    const l1 = tlb.l1Data;
    expect(l1.hits + l1.misses['4K']).toBe(tlb.loads + tlb.stores);
    expect(tlb.loads).toBeGreaterThanOrEqual(accesses.loads);
    const causes = Object.values(time).reduce((sum, ns) => sum + ns, 0);
    expect(causes / report.simulatedNs).toBeCloseTo(1, 9);
    expect(Math.max(...report.series.rss)).toBeLessThanOrEqual(report.peakRss);
    expect(report.wallSeconds).toBeGreaterThan(0);
  });

  test('a processor without walk caches and a cold page cache: longer walks, major faults, a longer time?', () => {
    const warm = json(LS);
    const textbook = json(LS, '--cpu', 'textbook');
    const cold = json(LS, '--cold');
    expect(textbook.tlb.walkSteps).toBeGreaterThan(2 * warm.tlb.walkSteps);
    expect(textbook.faults.minor).toBe(warm.faults.minor);
    expect([warm.faults.major, cold.faults.major > 0]).toEqual([0, true]);
    expect(cold.simulatedNs).toBeGreaterThan(warm.simulatedNs);
  });

  test('with less memory than it wants: does it swap, and without swap, is it killed and the kernel log shown?', () => {
    const { swap, cgroup, log } = json(SORT, '--limit', '1M', '--swap', '64M');
    expect([swap.out > 0, cgroup?.limit]).toEqual([true, 1 << 20]);
    // What the kernel says of the area, and of no kill.
    expect(log).toEqual([expect.stringMatching(/^Adding 65532k swap on /)]);
    const { code, stdout } = faultline(['replay', SORT, '--limit', '1M']);
    expect(code).toBe(0);
    expect(stdout).toContain('Memory cgroup out of memory: Killed process');
    expect(faultline(['replay', SORT, '--limit', 'much'])).toMatchObject({
      code: 2,
      stderr: 'faultline: --limit much: expected a size from 1M to 1T, as in 512M or 4G\n',
    });
  });

  test('with one file cold and readahead chosen: is it read page by page, and is a wrong path told?', () => {
    const bytes = (...options: string[]): number =>
      json(SORT, ...options).processes.reduce((sum, { readBytes }) => sum + readBytes, 0);
    const file = '/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache';
    expect(bytes()).toBe(0);
    expect(bytes('--cold-file', file)).toBe(7 * 4096);
    expect(bytes('--cold-file', file, '--read-ahead', '0')).toBe(4 * 4096);
    expect(faultline(['replay', SORT, '--cold-file', 'n.txt'])).toMatchObject({
      code: 2,
      stderr: 'faultline: --cold-file n.txt: the recording knows no such file\n',
    });
  });

  test('randomised addresses: the same run for the same seed, another layout but nearly the same faults?', () => {
    const { wallSeconds: _, ...first } = json(LS, '--aslr', '7');
    const { wallSeconds: __, ...again } = json(LS, '--aslr', '7');
    expect(again).toEqual(first);
    expect(Math.abs(first.faults.minor - json(LS).faults.minor)).toBeLessThan(10);
    expect(first.mismatches).toEqual({});
  });

  test('are the events written, page faults among them?', () => {
    const events = join(folder, 'events.jsonl');
    const { faults } = json(LS, '--events', events, '--points', 'exceptions:*');
    const rows = readFileSync(events, 'utf8').trim().split('\n');
    expect(rows.length).toBe(faults.minor + faults.major);
  });

  test('a recording cut in half: are its whole blocks replayed, with a warning?', () => {
    const half = join(folder, 'half.flt');
    const bytes = readFileSync(SORT);
    writeFileSync(half, bytes.subarray(0, bytes.length / 2));
    const { code, stdout, stderr } = faultline(['replay', half, '--json']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^faultline: .*half\.flt: .*cut after \d+ whole blocks?.*\n$/);
    const report = JSON.parse(stdout) as ReplayReport;
    expect(report.recording.damage).toMatch(/whole block/);
    expect(report.instructions).toBeLessThan(json(SORT).instructions);
  });

  test('a recording whose first block is damaged: nothing to replay, exit code 2?', () => {
    const damaged = join(folder, 'damaged.flt');
    const bytes = readFileSync(LS);
    bytes[4000] = (bytes[4000] as number) ^ 1;
    writeFileSync(damaged, bytes);
    const { code, stdout, stderr } = faultline(['replay', damaged]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^faultline: .*damaged\.flt: only the first 0 of 3 blocks are whole: .*checksum.*\n$/);
  });

  test.each([
    ['no file', [join(folder, 'none.flt')], /cannot read .*: there is no such file/],
    ['no recording', [import.meta.filename], /this is not a faultline recording/],
    ['two files', [LS, SORT], /takes one RECORDING/],
    ['an unknown processor', [LS, '--cpu', 'skylak'], /skylake/],
    ['readahead of no size', [SORT, '--read-ahead', 'far'], /--read-ahead far: expected a size from 0 to 1G/],
    ['too little memory', [SORT, '--memory', '1M'], /expected a size/],
    ['an unknown tracepoint', [LS, '--events', join(folder, 'x'), '--points', 'nothing:here'], /nothing:here/],
  ])('%s: one sentence and exit code 2?', (_, args, sentence) => {
    const { code, stdout, stderr } = faultline(['replay', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
