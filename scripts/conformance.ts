/**
 * `npm run conformance`: runs every scenario on the model and scores its answers against the real kernel's, by group.
 *
 *   npm run conformance [-- --group NAME] [--list] [--update]
 *
 * `--list` tells the first difference of each operation that is not equal. Exit code 1 when a group is worse than
 * conformance/baseline.json says; `--update` writes what is reached now into that file.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArguments } from '../src/cli/arguments.ts';
import {
  CONFORMANCE,
  groupOf,
  nameOf,
  recordedAnswers,
  runOnModel,
  scenarioPaths,
} from '../src/cli/conformance-set.ts';
import { scoreScenario } from '../src/program/scenario/score.ts';

interface GroupScore {
  scenarios: number;
  scenariosEqual: number;
  ops: number;
  opsEqual: number;
}

/** Per cent of operations that must be equal, by group. */
type Baseline = Record<string, number>;

const BASELINE = join(CONFORMANCE, 'baseline.json');
const empty = (): GroupScore => ({ scenarios: 0, scenariosEqual: 0, ops: 0, opsEqual: 0 });
/** Rounded down, so that a group which only just reaches its floor does not fail on the last digit. */
const percent = ({ ops, opsEqual }: GroupScore): number => Math.floor((1000 * opsEqual) / Math.max(1, ops)) / 10;

function scoreOne(path: string, list: boolean): GroupScore {
  const { answers, failure } = runOnModel(path);
  const { ops, differences } = scoreScenario(recordedAnswers(path), answers);
  if (list) {
    for (const { i, op, field, kernel, model } of differences) {
      console.log(`${nameOf(path)}:${i} ${op}`);
      console.log(`    ${field}: kernel ${JSON.stringify(kernel)}, model ${JSON.stringify(model)}`);
    }
    if (failure !== undefined) console.log(`    stopped: ${failure.stack}`);
  }
  const equal = differences.length === 0;
  return { scenarios: 1, scenariosEqual: equal ? 1 : 0, ops, opsEqual: ops - differences.length };
}

function add(sum: GroupScore, one: GroupScore): void {
  sum.scenarios += one.scenarios;
  sum.scenariosEqual += one.scenariosEqual;
  sum.ops += one.ops;
  sum.opsEqual += one.opsEqual;
}

const row = (name: string, score: GroupScore, floor?: number): string =>
  `${name.padEnd(8)} operations ${`${score.opsEqual}/${score.ops}`.padEnd(10)} ${percent(score).toFixed(1).padStart(5)} %  ` +
  `scenarios ${`${score.scenariosEqual}/${score.scenarios}`.padEnd(8)}${floor === undefined ? '' : ` floor ${floor} %`}`;

const args = parseArguments(process.argv.slice(2), { group: 'value', list: 'flag', update: 'flag' });
const baseline = JSON.parse(readFileSync(BASELINE, 'utf8')) as Baseline;
const groups = new Map<string, GroupScore>();
for (const path of scenarioPaths(args.value('group'))) {
  const group = groupOf(nameOf(path));
  const score = groups.get(group) ?? empty();
  groups.set(group, score);
  add(score, scoreOne(path, args.has('list')));
}

const total = empty();
let worse = 0;
for (const [name, score] of groups) {
  add(total, score);
  const floor = baseline[name] ?? 0;
  console.log(row(name, score, floor));
  if (percent(score) < floor) {
    worse++;
    console.error(`${name} is worse than its floor in conformance/baseline.json`);
  }
}
console.log(row('total', total));
if (args.has('update')) {
  const reached = Object.fromEntries([...groups].map(([name, score]) => [name, percent(score)]));
  writeFileSync(BASELINE, `${JSON.stringify({ ...baseline, ...reached }, undefined, 2)}\n`);
} else if (worse > 0) process.exitCode = 1;
