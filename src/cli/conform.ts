import { resolve } from 'node:path';
import type { Answer } from '../program/scenario/answer.ts';
import { ORACLE_MACHINE } from '../program/scenario/runner.ts';
import { type Difference, scoreScenario } from '../program/scenario/score.ts';
import { DEFAULT_VM, machineOfVm } from '../program/scenario/vm-settings.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { type ModelRun, nameOf, recordedAnswers, runOnModel, scenarioPaths } from './conformance-set.ts';
import { askHost, prepareHost } from './oracle.ts';
import { askVm, prepareVm } from './oracle-vm.ts';
import { randomScenarios } from './random-scenarios.ts';
import { readInput } from './read-input.ts';
import { readScenario } from './scenario-input.ts';
import { EXIT_DIFFERENT, EXIT_OK, UserError } from './user-error.ts';

const usage = `usage: faultline conform [FILE...] [--group NAME] [--host | --vm] [--random N [--seed S]] [--json]

Runs scenarios on the simulated machine and compares its answers with the real kernel's, operation by operation. Prints
the first difference of each scenario; the exit code is 1 when there is one.

  FILE...        scenarios; without any, all of the project's that have recorded answers
  --group NAME   only those of a group: anon, fork, vma, lim, mlock, adv, file ...
  --host         ask the kernel of this machine instead of the recorded answers (as root: builds the C oracle and makes
                 its devices in conformance/work; teardown.sh there undoes that)
  --vm           ask the kernel of a VM instead (cgroup v2; as root: gets a kernel and qemu with apt, into
                 conformance/vm/work). Scenarios say which VM they want: \`# vm: memory=512M swap=64M mglru=0\`
  --random N     ask both about N scenarios made by chance, kept in conformance/work (with --host or --vm)
  --seed S       the first of their seeds (default 1)
  --json         the scores as JSON

example: faultline conform --group anon
`;

interface Verdict {
  readonly scenario: string;
  readonly ops: number;
  readonly equal: number;
  readonly first: Difference | undefined;
  /** Why the model stopped before the end. */
  readonly failure: string | undefined;
}

function verdictText({ scenario, ops, equal, first, failure }: Verdict): string {
  const score = `${scenario.padEnd(40)} ${equal}/${ops}`;
  if (first === undefined) return `${score}\n`;
  const kernel = JSON.stringify(first.kernel);
  const model = JSON.stringify(first.model);
  const what =
    first.field === 'no answer' ? 'the machine gives no answer' : `${first.field}: kernel ${kernel}, machine ${model}`;
  const stopped = failure === undefined ? '' : `\n    stopped: ${failure}`;
  return `${score}\n    ${first.i}: ${first.op}\n    ${what}${stopped}\n`;
}

/** Whom the machine is compared with. */
type Judge = 'recorded' | 'host' | 'vm';

function askedVm(path: string): [kernel: Answer[], model: ModelRun] {
  const vm = readScenario(path).vm ?? DEFAULT_VM;
  return [askVm(path, vm), runOnModel(path, machineOfVm(vm, ORACLE_MACHINE))];
}

function judge(path: string, by: Judge): Verdict {
  const [kernel, { answers, failure }] =
    by === 'vm' ? askedVm(path) : [by === 'host' ? askHost(path) : recordedAnswers(path), runOnModel(path)];
  const { ops, differences } = scoreScenario(kernel, answers);
  const equal = ops - differences.length;
  return { scenario: nameOf(path), ops, equal, first: differences[0], failure: failure?.message };
}

function wholeNumber(parsed: Arguments, option: string, otherwise: number): number {
  const text = parsed.value(option);
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`--${option} ${text}: expected a whole number`);
  return Number(text);
}

/** The whole path of a scenario. @throws {UserError} what cannot be read, before anything else is said of it */
function readable(path: string): string {
  readInput(path);
  return resolve(path);
}

function run(args: readonly string[]): number {
  const parsed = parseArguments(args, {
    host: 'flag',
    vm: 'flag',
    json: 'flag',
    group: 'value',
    random: 'value',
    seed: 'value',
  });
  const by: Judge = parsed.has('vm') ? 'vm' : parsed.has('host') ? 'host' : 'recorded';
  if (by === 'vm' && parsed.has('host')) throw new UserError('--host and --vm exclude each other: one kernel judges');
  const random = wholeNumber(parsed, 'random', 0);
  if (random > 0 && by === 'recorded')
    throw new UserError('--random needs --host or --vm: nothing is recorded for scenarios made by chance');
  if (by === 'host') prepareHost();
  if (by === 'vm') prepareVm();
  const named = random > 0 ? randomScenarios(wholeNumber(parsed, 'seed', 1), random) : parsed.operands.map(readable);
  const paths = named.length > 0 ? named : scenarioPaths(parsed.value('group'));
  const verdicts: Verdict[] = [];
  for (const path of paths) {
    const verdict = judge(path, by);
    verdicts.push(verdict);
    if (!parsed.has('json')) process.stdout.write(verdictText(verdict));
  }
  const ops = verdicts.reduce((sum, verdict) => sum + verdict.ops, 0);
  const equal = verdicts.reduce((sum, verdict) => sum + verdict.equal, 0);
  if (parsed.has('json'))
    process.stdout.write(`${JSON.stringify({ ops, equal, scenarios: verdicts }, undefined, 1)}\n`);
  else process.stdout.write(`${equal} of ${ops} operations equal, in ${paths.length} scenarios\n`);
  return equal === ops ? EXIT_OK : EXIT_DIFFERENT;
}

export const command: Command = { usage, run };
