import type { FileCache } from '../kernel/proc/file-cache.ts';
import type { Machine } from '../machine/machine.ts';
import type { MachineOptions } from '../machine/options.ts';
import type { Answer } from '../program/scenario/answer.ts';
import { recordingMachine, runScenario, scenarioHeader } from '../program/scenario/runner.ts';
import type { Scene } from '../program/scenario/scene.ts';
import { answerText } from './answer-text.ts';
import { type OptionTable, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { EVENT_OPTION_TABLE, EVENT_OPTIONS_HELP, startEvents } from './event-output.ts';
import { FILE_CACHE_OPTION_TABLE, FILE_CACHE_OPTIONS_HELP, fileCacheFormat } from './file-cache-report.ts';
import { hostFilesBeside } from './host-file.ts';
import { LOG_OPTION_TABLE, LOG_OPTIONS_HELP, writeLog } from './log-output.ts';
import { MACHINE_OPTION_TABLE, MACHINE_OPTIONS_HELP, machineOptions } from './machine-options.ts';
import { asUserError, readScenario } from './scenario-input.ts';
import { EXIT_OK, UserError } from './user-error.ts';

const usage = `usage: faultline run FILE [--json [--costs]] [--cache-report] [--events FILE] [machine options]

Runs a scenario (conformance/README.md is the language) on the simulated machine and prints an answer for each line,
with the simulated time that it took: system calls, faults, translations, copies, and every request to the disk.
Without options the machine is the one that the recorded answers come from: 24 GB, two processors, no swap.

  --json               the answers as a JSON array, with the keys of the C oracle
  --costs              in that array, the simulated nanoseconds of each operation as "ns"
${FILE_CACHE_OPTIONS_HELP}
${EVENT_OPTIONS_HELP}${LOG_OPTIONS_HELP}
${MACHINE_OPTIONS_HELP}
example: printf 'spawn A\\nA mmap r len=4p\\nA touch r w each=1\\n' > my.txt && faultline run my.txt
`;

/** One JSON object a line, as the oracle prints them. */
const jsonText = (answers: readonly unknown[]): string =>
  `[\n${answers.map((answer) => JSON.stringify(answer)).join(',\n')}\n]\n`;

const OPTIONS: OptionTable = {
  json: 'flag',
  costs: 'flag',
  ...FILE_CACHE_OPTION_TABLE,
  ...EVENT_OPTION_TABLE,
  ...LOG_OPTION_TABLE,
  ...MACHINE_OPTION_TABLE,
};

function run(args: readonly string[]): number {
  const parsed = parseArguments(args, OPTIONS);
  const [file, ...more] = parsed.operands;
  if (file === undefined) throw new UserError('run needs a scenario FILE; see faultline run --help');
  if (more.length > 0) throw new UserError(`run takes one FILE; "${more[0]}" is one too many`);
  const scenario = readScenario(file);
  const options: MachineOptions = machineOptions(parsed, { ...recordingMachine(scenario), contents: 'bytes' });
  const json = parsed.has('json');
  const costs = parsed.has('costs');
  if (costs && !json) throw new UserError('--costs needs --json: the text shows them anyway');
  const cacheText = fileCacheFormat(parsed);
  let atEnd = () => {};
  try {
    const answers: Answer[] = [];
    let files: readonly FileCache[] = [];
    const report = (answer: Answer, ns: number) => {
      if (json) answers.push(costs ? { ...answer, ns } : answer);
      else process.stdout.write(answerText(answer, ns));
    };
    const booted = (machine: Machine) => {
      const endEvents = startEvents(machine, parsed, { scenario: file });
      atEnd = () => {
        endEvents();
        writeLog(machine, parsed);
      };
    };
    const ended = (scene: Scene) => {
      if (cacheText !== undefined) files = scene.fileCaches();
    };
    const openHostFile = hostFilesBeside(file);
    asUserError(() => runScenario(scenario, options, { report, booted, ended, openHostFile }));
    const cache = cacheText === undefined ? [] : [{ cache: files }];
    if (json) process.stdout.write(jsonText([scenarioHeader(scenario), ...answers, ...cache]));
    else if (cacheText !== undefined) process.stdout.write(`\n${cacheText(files)}`);
  } finally {
    atEnd();
  }
  return EXIT_OK;
}

export const command: Command = { usage, run };
