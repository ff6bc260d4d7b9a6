import { describe, expect, test } from 'vitest';
import type { Explanation } from './explain.ts';
import { explainLog } from './index.ts';
import { EXPECTED, type Expected, fixture } from './testing/reports.ts';

/** The event of a log that has a task table, or the only one. */
function mainReport(reports: readonly Explanation[]): Explanation {
  return reports.find(({ ranking }) => ranking.length > 0) ?? (reports[0] as Explanation);
}

describe.each(EXPECTED.map((expected) => [expected.id, expected] as const))(
  'real report %s',
  (id, expected: Expected) => {
    const reports = explainLog(fixture(id));
    const report = mainReport(reports);
    const killed = reports.flatMap((each) => each.killed);

    test('is the kernel read?', () => {
      expect(report.kernel).toBe(/^\d/.test(expected.kernel ?? '') ? expected.kernel : null);
    });

    test('is the constraint printed, or inferred where it is not?', () => {
      const inferred = expected.constraint.startsWith('memcg') ? 'CONSTRAINT_MEMCG' : 'CONSTRAINT_NONE';
      expect(report.constraint).toBe(expected.constraint.startsWith('CONSTRAINT') ? expected.constraint : inferred);
    });

    test('is it known who asked?', () => {
      expect(report.invoker).toBe(expected.invoking_process);
    });

    test('is it known who was killed, with the sizes of the kill line?', () => {
      const [first] = killed;
      expect(first?.pid ?? null).toBe(expected.killed_pid);
      expect(first?.name ?? null).toBe(expected.killed_name);
      expect(first?.totalVmKb ?? null).toBe(expected.total_vm_kB);
      expect(first?.anonRssKb ?? null).toBe(expected.anon_rss_kB);
      // The collection's notes leave this number out of the report whose line is broken within it.
      if (id !== '45') expect(first?.fileRssKb ?? null).toBe(expected.file_rss_kB);
      expect(first?.shmemRssKb ?? null).toBe(expected.shmem_rss_kB);
    });

    test('do rule and victim agree as they should?', () => {
      expect(report.agrees).toBe(expected.formula_predicts);
      if (expected.formula_predicts) expect(report.predicted?.pid).toBe(report.chosen?.pid);
      else expect(report.reasons.length).toBeGreaterThan(0);
    });

    test('does the memory add up?', () => {
      for (const { memory } of reports) {
        if (memory?.totalKb === undefined || memory.parts.length === 0) continue;
        expect(memory.parts.reduce((sum, { kb }) => sum + kb, 0)).toBe(memory.totalKb);
      }
    });

    test('is every "what if" confirmed by the killer?', () => {
      for (const { whatIf } of reports) expect(whatIf.every(({ verified }) => verified)).toBe(true);
    });
  },
);

test('are the kills of a group, a block of which was pasted twice, each counted once?', () => {
  const [report] = explainLog(fixture('45'));
  expect(report?.killed.length).toBe(39);
  expect(report?.killed[0]).toMatchObject({ pid: 5646, why: 'chosen', fileRssKb: 12704 });
  expect(report?.killed[1]?.why).toBe('group');
  expect(report?.cgroup?.limit).toBe('/build-kernel-tmpfs');
});

test('is the kill of an earlier report, whose lines are cut, an event of its own?', () => {
  const reports = explainLog(fixture('22'));
  expect(reports.map(({ killed }) => killed.map(({ pid }) => pid))).toEqual([[128824], [128825]]);
  expect(reports[0]?.missing.length).toBeGreaterThanOrEqual(4);
});

test('is a report that ends in its table explained without a victim?', () => {
  const [, second] = explainLog(fixture('29'));
  expect(second?.killed).toEqual([]);
  expect(second?.agrees).toBeNull();
  expect(second?.predicted?.name).toBe('NetworkManager');
  expect(second?.missing).toContain('the line that says who was killed (Killed process)');
});

test('is low memory told from a full machine, and CMA left out of what is free?', () => {
  const [report] = explainLog(fixture('29'));
  expect(report?.ranOut.kind).toBe('lowmem');
});

test('is memory that a balloon has taken shown as what nobody accounts for?', () => {
  const [report] = explainLog(fixture('49'));
  const rest = report?.memory?.parts.find(({ name }) => name === 'not accounted');
  expect(rest?.kb).toBeGreaterThan(12_000_000);
});
