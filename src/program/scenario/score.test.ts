import { expect, test } from 'vitest';
import type { Answer } from './answer.ts';
import { scoreScenario } from './score.ts';

const summary = (...nondeterministic: Answer[]): Answer => ({ summary: true, nondeterministic });
const touch = (minflt: number): Answer => ({ i: 1, op: 'A touch r w', ret: 0, minflt, majflt: 0 });

test('is an operation with nothing to score left out of the count?', () => {
  const { ops } = scoreScenario(
    [
      { i: 1, op: 'spawn A' },
      { ...touch(4), i: 2 },
    ],
    [],
  );
  expect(ops).toBe(1);
});

test('is the first field that differs named, and a missing answer too?', () => {
  const difference = { i: 1, op: 'A touch r w', field: 'minflt', kernel: 4, model: 3 };
  expect(scoreScenario([touch(4)], [touch(3)]).differences).toEqual([difference]);
  expect(scoreScenario([touch(4)], []).differences[0]?.field).toBe('no answer');
  expect(scoreScenario([touch(4)], [touch(4)]).differences).toEqual([]);
});

test('may a field that varies on the kernel itself lie in the range seen, a little widened?', () => {
  const kernel = [touch(100), summary({ i: 1, field: 'minflt', values: [100, 110, 105] })];
  for (const [minflt, differences] of [
    [95, 0],
    [94, 1],
    [115, 0],
    [116, 1],
  ] as const) {
    expect(scoreScenario(kernel, [touch(minflt)]).differences, String(minflt)).toHaveLength(differences);
  }
});

test('do addresses, totals and keys of our own cost nothing, and a zero in a table neither?', () => {
  const kernel: Answer = { i: 1, op: 'x', addr: 'top-0x1000', at: 'r', delta: { _: 0, pgfault: 0 } };
  expect(scoreScenario([kernel], [{ i: 1, op: 'x', addr: 'other', at: 'r', unsupported: 'y' }]).differences).toEqual(
    [],
  );
  expect(scoreScenario([kernel], [{ i: 1, op: 'x', at: 's' }]).differences[0]?.field).toBe('at');
});

test('are only verdicts of a kernel log compared?', () => {
  const log = (pid: number, name: string): Answer => ({
    i: 1,
    op: 'dmesg',
    kmsg: [`oom-kill:constraint=CONSTRAINT_MEMCG,pid=${pid}`, `Killed process ${pid} (${name}) total-vm:1kB`],
  });
  expect(scoreScenario([log(1, 'A')], [log(7, 'A')]).differences).toEqual([]);
  expect(scoreScenario([log(1, 'A')], [log(1, 'B')]).differences).toHaveLength(1);
});
