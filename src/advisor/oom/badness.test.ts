import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ruleOf } from './badness.ts';
import { type KillerState, rank, selectVictim, withChange } from './killer.ts';
import type { TaskRow } from './report.ts';
import { table, task } from './testing/tasks.ts';

const MODERN = table([], 'uid tgid total_vm rss pgtables_bytes swapents oom_score_adj name');
const TOTAL = 100_000;

describe('which rule does a kernel have?', () => {
  test.each([
    ['3.10.0-1160.el7.x86_64', '3.5 to 3.13'],
    ['3.13.0-57-generic', '3.5 to 3.13'],
    ['4.4.0-210-generic', '3.14 to 4.16'],
    ['4.18.0-240.el8', '4.17 to 5.8'],
    ['5.8.0-1031-oracle', '4.17 to 5.8'],
    ['5.10.0-28-amd64', '5.9 and later'],
    ['6.18.44', '5.9 and later'],
    ['10.0.1', '5.9 and later'],
  ])('%s: %s', (kernel, era) => {
    expect(ruleOf(kernel, MODERN).kernels).toBe(era);
  });

  test('el6 is told by its columns, whatever its version says', () => {
    expect(ruleOf('2.6.32-642.el6', table([], 'uid tgid total_vm rss cpu oom_adj oom_score_adj name')).kernels).toBe(
      '2.6.36 to 3.4',
    );
  });

  test('without a version the columns tell', () => {
    expect(ruleOf(undefined, table([], 'uid tgid total_vm rss nr_ptes swapents oom_score_adj name')).kernels).toBe(
      '3.14 to 4.16',
    );
    expect(ruleOf(undefined, MODERN).kernels).toBe('5.9 and later');
  });
});

describe('what does a task score?', () => {
  const points = (kernel: string, row: TaskRow): number => ruleOf(kernel, MODERN).points(row, TOTAL, true);
  const root = task(9, 10_000, { uid: 0, tables: 20, swap: 30, oomScoreAdj: 100 });

  test.each([
    ['3.10', 10_050 + 70 * 100],
    ['4.4', 10_050 - 301 + 100 * 100],
    ['4.18', 10_050 + 100 * 100],
    ['6.1', 10_050 + 100 * 100],
  ])('root with oom_score_adj 100 under Linux %s: %i', (kernel, expected) => {
    expect(points(kernel, root)).toBe(expected);
  });

  test('is the score at least 1 before 5.9, and may it be negative since?', () => {
    const spared = task(9, 100, { oomScoreAdj: -998 });
    expect(points('4.18', spared)).toBe(1);
    expect(points('5.10', spared)).toBe(100 - 99_800);
  });

  test('is the total divided by 1000 before it is multiplied?', () => {
    expect(ruleOf('6.1', MODERN).points(task(9, 0, { oomScoreAdj: 522 }), 4096, true)).toBe(2088);
  });

  test('are pid 1 and oom_score_adj -1000 never chosen?', () => {
    for (const kernel of ['2.6.36', '3.10', '4.4', '4.18', '6.1']) {
      expect(points(kernel, task(1, 5000))).toBe(Number.NEGATIVE_INFINITY);
      expect(points(kernel, task(7, 5000, { oomScoreAdj: -1000 }))).toBe(Number.NEGATIVE_INFINITY);
    }
  });
});

const rows = fc.array(
  fc.record({ rss: fc.integer({ min: 0, max: 50 }), adj: fc.constantFrom(-1000, -998, -1, 0, 0, 0, 1, 500) }),
  { maxLength: 30 },
);
const kernels = fc.constantFrom('2.6.36', '3.10', '4.4', '4.18', '6.1');

test('is the first of the ranking always the one that the killer takes?', () => {
  const property = fc.property(rows, kernels, (list, kernel) => {
    const tasks = list.map(({ rss, adj }, i) => task(100 + i, rss, { oomScoreAdj: adj, uid: i % 3 === 0 ? 0 : 1000 }));
    const state: KillerState = { tasks, rule: ruleOf(kernel, MODERN), totalPages: TOTAL, rootBonus: true };
    expect(rank(state)[0]?.task).toBe(selectVictim(state));
  });
  fc.assert(property);
});

test('of equals, does the first die before 5.9 and the last since?', () => {
  const tasks = [task(5, 10), task(6, 10), task(7, 10)];
  const victim = (kernel: string): number | undefined =>
    selectVictim({ tasks, rule: ruleOf(kernel, MODERN), totalPages: TOTAL, rootBonus: true })?.pid;
  expect(victim('5.8')).toBe(5);
  expect(victim('5.9')).toBe(7);
});

test('does a change of one task leave the others as they are?', () => {
  const tasks = [task(5, 10), task(6, 20)];
  const state: KillerState = { tasks, rule: ruleOf('6.1', MODERN), totalPages: TOTAL, rootBonus: true };
  expect(selectVictim(withChange(state, 6, { oomScoreAdj: -1 }))?.pid).toBe(5);
  expect(selectVictim(state)?.pid).toBe(6);
});

test('does el6 kill the first of those with the same thousandths, though another holds more pages?', () => {
  const tasks = [task(5, 54_249), task(6, 54_982), task(7, 3000)];
  const rule = ruleOf('2.6.32-642.el6', table(tasks, 'uid tgid total_vm rss cpu oom_adj oom_score_adj name'));
  const state: KillerState = { tasks, rule, totalPages: 8_731_104, rootBonus: true };
  expect(selectVictim(state)?.pid).toBe(5);
  expect(rank(state).map(({ points }) => points)).toEqual([6, 6, 1]);
});
