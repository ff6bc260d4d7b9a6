import { describe, expect, test } from 'vitest';
import type { Explanation } from './explain.ts';
import { explainLog } from './index.ts';
import { fixture, kernelLines } from './testing/reports.ts';
import { explanationText } from './words.ts';

const one = (log: string): Explanation => explainLog(log)[0] as Explanation;
const HEADER = '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name';
const row = (pid: number, rss: number, adj: number, name: string): string =>
  `[ ${pid}]  1000 ${pid}   ${rss * 2}  ${rss}    40960        0         ${adj} ${name}`;
const INVOKED = 'java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0';
const CPU = 'CPU: 1 PID: 300 Comm: java Not tainted 6.1.0-18-amd64 #1 Debian 6.1.76-1';
const killed = (pid: number, name: string): string =>
  `Out of memory: Killed process ${pid} (${name}) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:40kB oom_score_adj:0`;

describe('is nobody killed where nobody was?', () => {
  test('no process may be killed', () => {
    const report = one(
      [INVOKED, CPU, HEADER, row(300, 50, -1000, 'java'), 'Out of memory and no killable processes...'].join('\n'),
    );
    expect(report.killed).toEqual([]);
    expect(report.agrees).toBe(true);
    expect(explanationText(report, 1)).toContain('nobody was killed: no process could be');
  });

  test('the machine panics instead', () => {
    const report = one(
      [INVOKED, CPU, 'Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled'].join('\n'),
    );
    expect(report.killed).toEqual([]);
    expect(explanationText(report, 1)).toContain('the machine panicked');
  });

  test('an empty log, and one without a report', () => {
    expect(explainLog('')).toEqual([]);
    expect(explainLog('Mar 13 11:16:48 host kernel: zoom: out of memory of last year\n')).toEqual([]);
  });
});

describe('where rule and victim differ, which reason is given?', () => {
  const table = [HEADER, row(300, 90_000, 0, 'java'), row(301, 50, 0, 'sh')];

  test('vm.oom_kill_allocating_task', () => {
    const kill = killed(301, 'sh').replace('Out of memory', 'Out of memory (oom_kill_allocating_task)');
    const report = one([INVOKED.replace('java', 'sh'), CPU.replace('java', 'sh'), ...table, kill].join('\n'));
    expect(report.agrees).toBe(false);
    expect(report.reasons[0]).toContain('vm.oom_kill_allocating_task');
  });

  test('the first of the ranking was killed by the report before', () => {
    const first = [INVOKED, CPU, ...table, killed(300, 'java')];
    const reports = explainLog(
      [...first, INVOKED, CPU, HEADER, row(300, 80_000, 0, 'java'), row(301, 60, 0, 'sh'), killed(301, 'sh')].join(
        '\n',
      ),
    );
    expect(reports.map(({ agrees }) => agrees)).toEqual([true, false]);
    expect(reports[1]?.reasons[0]).toContain('killed by an earlier report');
  });

  test('a child between vfork and exec', () => {
    const twin = [HEADER, row(299, 90_000, 0, 'java'), row(300, 90_000, 0, 'java'), row(301, 50, 0, 'sh')];
    const report = one([INVOKED, CPU, ...twin, killed(301, 'sh')].join('\n'));
    expect(report.reasons[0]).toContain('vfork');
  });

  test('nothing that a line shows', () => {
    const report = one([INVOKED, CPU, ...table, killed(301, 'sh')].join('\n'));
    expect(report.agrees).toBe(false);
    expect(report.reasons[0]).toContain('no line tells why');
  });

  test('the table is cut and the victim is not in it', () => {
    const report = one([INVOKED, CPU, ...table, killed(999, 'gone')].join('\n'));
    expect(report.agrees).toBeNull();
    expect(report.reasons[0]).toContain('cut');
  });
});

describe('what ran out?', () => {
  const mem = (zone: string): string[] => [
    'Mem-Info:',
    'active_anon:10 inactive_anon:20 isolated_anon:0',
    zone,
    '0 pages in swap cache',
    'Free swap  = 785668kB',
    'Total swap = 785668kB',
    '1012736 pages RAM',
    '30649 pages reserved',
  ];
  const kindOf = (invoked: string, zone: string, ...more: string[]): string | undefined =>
    one([invoked, CPU, ...mem(zone), ...more].join('\n')).ranOut.kind;

  test('CMA: what is free is reserved for movable pages', () => {
    expect(
      kindOf(
        INVOKED,
        'DMA free:519112kB boost:7216kB min:10428kB low:11228kB high:12028kB present:786432kB managed:663836kB free_cma:513592kB',
      ),
    ).toBe('cma');
  });

  test('pieces in a row', () => {
    expect(
      kindOf(
        INVOKED.replace('order=0', 'order=3'),
        'Node 0 Normal free:519112kB min:10428kB low:11228kB high:12028kB present:786432kB free_cma:0kB',
      ),
    ).toBe('order');
  });

  test('low memory of a 32-bit machine', () => {
    expect(one(fixture('29')).ranOut.kind).toBe('lowmem');
  });

  test('the host', () => {
    expect(
      kindOf(INVOKED, 'Node 0 Normal free:9000kB min:10428kB low:11228kB high:12028kB present:786432kB free_cma:0kB'),
    ).toBe('host');
  });

  test('a node', () => {
    const line =
      'oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=db,mems_allowed=1,global_oom,task_memcg=/,task=java,pid=300,uid=0';
    expect(
      kindOf(
        INVOKED,
        'Node 1 Normal free:9000kB min:10428kB low:11228kB high:12028kB present:786432kB free_cma:0kB',
        line,
      ),
    ).toBe('node');
  });

  test('nothing: SysRq-f', () => {
    expect(kindOf(INVOKED.replace('order=0', 'order=-1'), 'Node 0 Normal free:9000kB min:1kB low:1kB high:1kB')).toBe(
      'request',
    );
  });

  test('a limit above the victim in the hierarchy', () => {
    const line =
      'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/kubepods,task_memcg=/kubepods/pod1/app,task=java,pid=300,uid=0';
    const report = one(
      [INVOKED, CPU, 'memory: usage 1024kB, limit 1024kB, failcnt 1', HEADER, row(300, 90, 0, 'java'), line].join('\n'),
    );
    expect(report.ranOut.what).toContain('cgroup /kubepods');
    expect(report.ranOut.what).toContain('/kubepods/pod1/app, below it');
  });
});

describe('what if?', () => {
  const report = one(kernelLines('05').join('\n'));

  test.each(report.whatIf.filter(({ oomScoreAdj }) => oomScoreAdj !== undefined))(
    'is the oom_score_adj of "$text" the very edge, asked of the report with that number in its table?',
    ({ pid, oomScoreAdj, victim }) => {
      const withAdj = (adj: number): number | undefined => {
        const lines = kernelLines('05').map((line) =>
          line.startsWith(`[ ${pid}]`) ? line.replace(/(-?\d+) (\S+)$/, `${adj} $2`) : line,
        );
        return one(lines.join('\n')).predicted?.pid;
      };
      const spares = victim?.pid !== pid;
      expect(withAdj(oomScoreAdj as number)).toBe(victim?.pid);
      expect(withAdj((oomScoreAdj as number) + (spares ? 1 : -1))).not.toBe(victim?.pid);
    },
  );

  test('is there one about the memory of the victim?', () => {
    expect(report.whatIf.find(({ change }) => change === 'memory')?.lessKb).toBeGreaterThan(0);
  });
});

test('are 5,000 tasks explained in under a second?', () => {
  const rows = Array.from({ length: 5000 }, (_, i) =>
    row(1000 + i, 100 + ((i * 7919) % 90_000), i % 7 === 0 ? -500 : 0, `worker ${i}`),
  );
  const log = [
    INVOKED,
    CPU,
    'memory: usage 1024kB, limit 1024kB, failcnt 1',
    HEADER,
    ...rows,
    killed(1000, 'worker 0'),
  ].join('\n');
  const begin = performance.now();
  const report = one(log);
  expect(performance.now() - begin).toBeLessThan(1000);
  expect(report.ranking.length).toBe(5000);
});

test('are the statistics of a group read where journald prints them without a prefix, and grepped or indented?', () => {
  const lines = kernelLines('22').map((line) =>
    /^[a-z_0-9]+ \d+$/.test(line) ? `>                   ${line}` : `>Feb 10 10:00:00 host kernel: ${line}`,
  );
  const [, report] = explainLog(lines.join('\n'));
  expect(report?.memory?.parts.find(({ name }) => name === 'file')?.kb).toBe(26_296);
});

test("is mail's quoted-printable read?", () => {
  const lines = kernelLines('30').map((line) => line.replaceAll('=', '=3D'));
  expect(one(lines.join('\n')).chosen?.pid).toBe(23_793);
});

test("is the kernel's source, quoted in a mail, no report?", () => {
  const source = [
    '- pr_info("[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\\n");',
    '+ pr_warn("Out of memory and no killable processes...\\n");',
  ];
  expect(explainLog(source.join('\n'))).toEqual([]);
});

test('is a line of another program no part of the kill line before it?', () => {
  const lines = kernelLines('05').map((line) => `Mar 15 17:01:55 host kernel: ${line}`);
  const mixed = lines.flatMap((line) => [line, 'Mar 15 17:01:55 host sshd[870]: error: accept: UID:7 pgtables:12kB']);
  expect(one(mixed.join('\n')).killed).toEqual(one(lines.join('\n')).killed);
});

test.each([
  ['21', '"file"', 'test.sh (7215)'],
  ['49', '"not accounted"', 'firewalld (925)'],
])('report %s: is it said that the victim was not what the memory went to?', (id, part, victim) => {
  const note = one(fixture(id)).notes.find((text) => text.startsWith('most of the memory'));
  expect(note).toContain(part);
  expect(note).toContain(victim);
});

test('is the biggest process, where it is to blame, not excused?', () => {
  expect(one(fixture('41')).notes.some((text) => text.startsWith('most of the memory'))).toBe(false);
});

test('is the victim known where a grep has left nothing but the line before the kill?', () => {
  const report = one('Memory cgroup out of memory: Kill process 18286 (java) score 933 or sacrifice child\n');
  expect(report.killed).toMatchObject([{ pid: 18_286, name: 'java' }]);
  expect(report.constraint).toBe('CONSTRAINT_MEMCG');
});
