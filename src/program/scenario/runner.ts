import { zen3 } from '../../hardware/processors/zen3.ts';
import { KernelPanic } from '../../kernel/oom/kernel-panic.ts';
import { Machine } from '../../machine/machine.ts';
import type { MachineOptions } from '../../machine/options.ts';
import type { Answer, AnswerValue } from './answer.ts';
import { noHostFiles, type OpenHostFile } from './host-files.ts';
import type { Line, Scenario } from './parser.ts';
import { CannotStart, type Place, ScenarioError } from './scenario-error.ts';
import { UnmappedRegion } from './scenario-process.ts';
import { Scene } from './scene.ts';
import { machineOfVm } from './vm-settings.ts';

/**
 * The machine that the recorded answers come from: 24684096 kB of RAM, no swap, transparent huge pages for those who
 * ask (conformance/answers).
 */
export const ORACLE_MACHINE: MachineOptions = {
  memory: 24684096 * 1024,
  processor: zen3,
  cpus: 2,
  contents: 'bytes',
  transparentHugePages: 'madvise',
  cgroups: 1,
};

/** The machine that a scenario was recorded on: the one above, or the VM that its `# vm:` line describes. */
export const recordingMachine = ({ vm }: Scenario): MachineOptions =>
  vm === undefined ? ORACLE_MACHINE : machineOfVm(vm, ORACLE_MACHINE);

/** What whoever runs a scenario may want besides its answers. */
export interface ScenarioHooks {
  /**
   * Gets each answer as soon as it is there, with the simulated nanoseconds that the operation took: what a run that
   * breaks down has answered is not lost.
   */
  readonly report?: (answer: Answer, ns: number) => void;
  /** Gets the machine before the first line, to watch it. */
  readonly booted?: (machine: Machine) => void;
  /** Gets the scene behind the last line, to look at it. */
  readonly ended?: (scene: Scene) => void;
  /** Opens files of the host for `hostfile`; without it there are none. */
  readonly openHostFile?: OpenHostFile;
}

/**
 * Runs a scenario on a machine that boots for it.
 *
 * @returns the answers, in order
 */
export function runScenario(
  scenario: Scenario,
  options: MachineOptions = recordingMachine(scenario),
  { report, booted, ended, openHostFile = noHostFiles }: ScenarioHooks = {},
): Answer[] {
  const machine = new Machine({ ...options, contents: 'bytes' });
  booted?.(machine);
  const scene = atPlace({ file: scenario.file, line: 1 }, () => new Scene(machine, scenario, openHostFile));
  const answers = scenario.lines.map((line, index) => {
    const answer: Answer = { i: index + 1, op: line.text };
    const began = machine.clock.now;
    runLine(scene, line, answer);
    const ns = Math.round(machine.clock.now - began);
    putDeaths(scene, answer);
    report?.(answer, ns);
    return answer;
  });
  ended?.(scene);
  return answers;
}

/** @throws {ScenarioError} the machine is too small for the scenario */
function atPlace<T>(place: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof KernelPanic || error instanceof CannotStart) throw new ScenarioError(place, error.message);
    throw error;
  }
}

/** @throws {ScenarioError} the machine is too small for the scenario */
function runLine(scene: Scene, line: Line, answer: Answer): void {
  try {
    atPlace(line.place, () => step(scene, line, answer));
  } catch (error) {
    // The mapping that the line builds on failed: its own answer tells, and the next lines may still make sense.
    if (!(error instanceof UnmappedRegion)) throw error;
    answer.error = error.message;
  }
}

function step(scene: Scene, { action }: Line, answer: Answer): void {
  if (action.kind === 'machine') {
    action.step(scene, answer);
    return;
  }
  const process = scene.processes.get(action.name);
  if (process === undefined) answer.error = `${action.name} was never started`;
  else if (!process.alive) answer.dead = 1;
  else action.step(process, answer, scene);
}

/** `deaths`: who has ended since the last answer, how, and what it had used. */
function putDeaths(scene: Scene, answer: Answer): void {
  const deaths: AnswerValue[] = [];
  for (const process of scene.processes.values()) {
    const { ending, minFlt, majFlt, mm } = process.task.process;
    if (ending === undefined || process.mourned) continue;
    process.mourned = true;
    const usage = { total_minflt: minFlt, total_majflt: majFlt, maxrss_kb: mm.hiwaterRss * 4 };
    deaths.push({ proc: process.name, ...ending, ...usage });
  }
  if (deaths.length > 0) answer.deaths = deaths;
}

/** The header object of an answer file. */
export const scenarioHeader = (scenario: Scenario): Answer => ({
  scenario: scenario.file.slice(scenario.file.lastIndexOf('/') + 1),
  runs: 1,
  kernel: 'faultline',
  workdir: scenario.directory,
});
