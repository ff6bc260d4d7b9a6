/** Real reports as machines: the kernel's own killer, run on the state that a report shows, takes the report's victim. */
import { describe, expect, test } from 'vitest';
import { MM_SWAPENTS } from '../../kernel/address-space/mm.ts';
import { checkInvariants } from '../../kernel/invariants.ts';
import type { RebuiltMachine } from '../../machine/from-oom-report.ts';
import { explain } from './explain.ts';
import { parseReport } from './parse-report.ts';
import type { OomReport } from './report.ts';
import { OomScanner } from './scan.ts';
import { EXPECTED, fixture } from './testing/reports.ts';
import { machineOfReport } from './to-machine.ts';

/** Reports with a whole table and a victim that stands in it. */
function reportsOf(id: string): OomReport[] {
  const reports: OomReport[] = [];
  const scanner = new OomScanner((raw) => reports.push(parseReport(raw)));
  scanner.push(new TextEncoder().encode(fixture(id)));
  scanner.end();
  return reports.filter(({ tasks, chosen }) => tasks.rows.some(({ pid }) => pid === chosen?.pid));
}

const rebuild = (report: OomReport): RebuiltMachine => machineOfReport(report, explain(report).rule.total?.pages);

function kill({ machine, group, tasks }: RebuiltMachine): void {
  const [first] = tasks.values();
  if (group !== undefined) machine.kernel.oom.group(group, first, 'fault');
  else if (first !== undefined) machine.kernel.oom.machine(first, 'fault');
}

/** The author of report 16 has left out rows of its table. */
const FULL = EXPECTED.map(({ id }) => id).filter((id) => id !== '16');

describe.each(FULL)('report %s', { timeout: 60_000 }, (id) => {
  for (const report of reportsOf(id)) {
    const rebuilt = rebuild(report);
    const { machine, tasks } = rebuilt;
    // The checker takes seconds for more.
    const small = report.tasks.rows.reduce((sum, { rss }) => sum + rss, 0) < 200_000;

    test('are its processes there, with their pages, swap, tables and oom_score_adj?', () => {
      for (const row of report.tasks.rows) {
        const { mm, process } = tasks.get(row.pid) ?? expect.fail(`process ${row.pid} is missing`);
        expect([row.pid, process.comm, mm.rssPages]).toEqual([row.pid, row.name, row.rss]);
        expect(process.oomScoreAdj).toBe(row.oomScoreAdj);
        expect(mm.rss[MM_SWAPENTS]).toBe(row.swap);
        const told = rebuilt.unknown.some((text) => text.includes(`(${row.pid}) were huge`));
        if (!told && row.tables >= 3) expect(Math.floor(mm.pgtablesBytes / 4096)).toBe(row.tables);
      }
      const free = report.host?.counters.get('free');
      if (free !== undefined) expect(Math.abs(machine.kernel.allocator.free - free)).toBeLessThan(1024);
      if (small) expect(checkInvariants(machine.kernel)).toEqual([]);
    });

    test('does the killer take whom the real one took?', () => {
      kill(rebuilt);
      const dead = [...tasks].filter(([, { process }]) => process.ending !== undefined).map(([pid]) => pid);
      expect(dead).toEqual([report.chosen?.pid]);
      if (small) expect(checkInvariants(machine.kernel)).toEqual([]);
    });
  }
});
