import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ReplayReport } from '../program/recording/replay-report.ts';
import type { Axis } from '../sweep/grid.ts';
import type { Measures } from '../sweep/measures.ts';
import { faultline } from './testing/faultline.ts';

const SORT = join(import.meta.dirname, '../../recordings/sort.flt');
const LS = join(import.meta.dirname, '../../recordings/ls.flt');
const folder = mkdtempSync(join(tmpdir(), 'faultline-sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface SweepJson {
  readonly command: readonly string[];
  readonly axes: readonly Axis[];
  readonly rows: readonly (Measures & { readonly point: Readonly<Record<string, string>> })[];
}

const json = (...args: string[]): SweepJson => JSON.parse(faultline(['sweep', ...args, '--json']).stdout);

describe('faultline sweep', () => {
  test('a program with less memory than it wants, with five swappinesses: is there one table, and a plot?', () => {
    const args = ['sweep', SORT, '--cold', '--limit', '2M', '--swap', '64M', '--swappiness', '0,1,60,100,200'];
    const { code, stdout, stderr } = faultline(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, , head, ...lines] = stdout.split('\n');
    expect(first).toMatch(/: limit 2M$/);
    expect(head).toMatch(
      /^vm\.swappiness +minor +major +swapped in +out +file pages read +refaults +peak RSS +simulated/,
    );
    expect(lines.slice(0, 5).map((line) => line.split(' ')[0])).toEqual(['0', '1', '60', '100', '200']);
    expect(stdout).toMatch(/over vm\.swappiness, 0 to 200/);
  });

  test('a point: does it have the numbers of the same replay alone?', () => {
    const { axes, rows } = json(LS, '--limit', '1M', '--disk', 'hdd,nvme', '--cold', '--threads', '2');
    expect(axes.map(({ name, values }) => [name, values.length])).toEqual([
      ['limit', 1],
      ['disk', 2],
    ]);
    for (const { point, ...row } of rows) {
      const args = ['replay', LS, '--json', '--cold', '--limit', '1M', '--disk', point.disk ?? ''];
      const alone = JSON.parse(faultline(args).stdout) as ReplayReport;
      const { faults, swap, peakRss, simulatedNs, cgroup } = alone;
      expect(row).toMatchObject({
        minorFaults: faults.minor,
        majorFaults: faults.major,
        swappedIn: swap.in,
        swappedOut: swap.out,
        peakRss,
        simulatedNs,
        refaultsFile: cgroup?.refaults.file,
        killed: cgroup?.oomKills,
      });
      expect(row.filePagesRead).toBeGreaterThan(0);
    }
    expect(rows[0]?.simulatedNs).toBeGreaterThan(rows[1]?.simulatedNs ?? 0);
  });

  test('without enough memory and swap: is it told that somebody was killed, and the sweep goes on?', () => {
    const { rows } = json(SORT, '--limit', '1M,64M', '--thp', 'never');
    expect(rows.map(({ killed, panic }) => [killed > 0, panic])).toEqual([
      [true, null],
      [false, null],
    ]);
  });

  test('only what varies is a column; does --sysctl vary any setting, and is there no plot of two axes?', () => {
    const args = ['--sysctl', 'vm.page-cluster=0,3', '--limit', '1M,2M', '--swap', '64M', '--memory', '1G'];
    const { code, stdout } = faultline(['sweep', SORT, ...args]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^limit +vm\.page-cluster +minor/m);
    expect(stdout).toMatch(/: memory 1G$/m);
    expect(stdout).not.toMatch(/^over /m);
  });

  test('a recording that was cut: are its whole blocks replayed, with a warning?', () => {
    const half = join(folder, 'half.flt');
    writeFileSync(half, readFileSync(SORT).subarray(0, 100_000));
    const { code, stderr, stdout } = faultline(['sweep', half, '--memory', '1G,2G']);
    expect(stderr).toMatch(/^faultline: .*half\.flt: .*cut after \d+ whole blocks?.*\n$/);
    expect([code, stdout.split('\n').length]).toEqual([0, 12]);
  });

  test.each([
    ['nothing', [], /sweep needs a RECORDING/],
    ['two recordings', [LS, SORT], /takes one RECORDING/],
    ['no such file', [join(folder, 'none.flt')], /there is no such file/],
    ['an empty value', [LS, '--limit', '4M,,8M'], /limit 4M,,8M: a value is missing between the commas/],
    ['a value twice', [LS, '--limit', '4M,8M,4M'], /limit 4M,8M,4M: 4M is there twice/],
    ['a wrong value', [LS, '--limit', '4M,much'], /--limit much: expected a size/],
    ['a wrong swappiness', [LS, '--swappiness', '0,300'], /vm\.swappiness=300: the kernel refuses/],
    ['no such sysctl', [LS, '--sysctl', 'vm.swapiness=1,2'], /did you mean "vm\.swappiness"/],
    ['one thing twice', [LS, '--swappiness', '1', '--sysctl', 'vm.swappiness=2'], /vm\.swappiness is given twice/],
    ['a file that it does not know', [LS, '--cold-file', '/none'], /--cold-file \/none/],
    ['no number of threads', [LS, '--threads', '0'], /--threads 0: expected a whole number/],
  ])('%s: one sentence and exit code 2?', (_, args, sentence) => {
    const { code, stdout, stderr } = faultline(['sweep', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
