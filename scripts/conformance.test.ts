import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CONFORMANCE, groupOf, nameOf, recordedAnswers, scenarioPaths } from '../src/cli/conformance-set.ts';
import type { Answer } from '../src/program/scenario/answer.ts';
import { scoreScenario } from '../src/program/scenario/score.ts';

/** Answers with every seventh operation left out and every fifth wrong in one field. */
function damaged(answers: readonly Answer[]): Answer[] {
  return answers.flatMap((answer, i) => {
    if (i % 7 === 6) return [];
    return i % 5 === 4 && typeof answer.minflt === 'number' ? [{ ...answer, minflt: answer.minflt + 1 }] : [answer];
  });
}

test('do compare.mjs and our own scoring agree on all recorded answers, damaged ones too?', () => {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-score-'));
  const answersFolder = join(folder, 'answers');
  const modelFolder = join(folder, 'model');
  cpSync(join(CONFORMANCE, 'answers'), answersFolder, { recursive: true });
  cpSync(answersFolder, modelFolder, { recursive: true });
  const ours = new Map<string, { ops: number; equal: number }>();
  for (const path of scenarioPaths()) {
    const kernel = recordedAnswers(path);
    const model = damaged(kernel);
    writeFileSync(join(modelFolder, `${nameOf(path)}.json`), JSON.stringify(model));
    const { ops, differences } = scoreScenario(kernel, model);
    const sum = ours.get(groupOf(nameOf(path))) ?? { ops: 0, equal: 0 };
    ours.set(groupOf(nameOf(path)), { ops: sum.ops + ops, equal: sum.equal + ops - differences.length });
  }
  const script = join(CONFORMANCE, 'compare.mjs');
  const { stdout } = spawnSync(process.execPath, [script, answersFolder, modelFolder, '--json'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  rmSync(folder, { recursive: true });
  const { groups } = JSON.parse(stdout) as { groups: Record<string, { ops: number; opsEqual: number }> };
  expect(Object.keys(groups).length).toBeGreaterThan(10);
  for (const [group, { ops, opsEqual }] of Object.entries(groups)) {
    expect(ours.get(group), group).toEqual({ ops, equal: opsEqual });
  }
});
