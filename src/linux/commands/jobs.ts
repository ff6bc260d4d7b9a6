/** bash's job control: jobs, wait and kill. */
import type { LinuxCommand } from '../command.ts';
import { textCommand, UsageError } from '../command.ts';
import type { Job, LinuxBox } from '../linux-box.ts';

const SIGNALS = [
  'HUP',
  'INT',
  'QUIT',
  'ILL',
  'TRAP',
  'ABRT',
  'BUS',
  'FPE',
  'KILL',
  'USR1',
  'SEGV',
  'USR2',
  'PIPE',
  'ALRM',
  'TERM',
];
const SIGTERM = 15;
const SIGNAL_EXIT = 128;
/** How long wait looks away at a time, in nanoseconds: jobs act when time passes. */
const LOOK_EVERY = 1e7;
const NOT_A_CHILD = 127;

const stateOf = ({ exitCode }: Job): string => {
  if (exitCode === undefined) return 'Running';
  if (exitCode === SIGNAL_EXIT + SIGTERM) return 'Terminated';
  if (exitCode > SIGNAL_EXIT) return exitCode === SIGNAL_EXIT + 9 ? 'Killed' : `Signal ${exitCode - SIGNAL_EXIT}`;
  return exitCode === 0 ? 'Done' : `Exit ${exitCode}`;
};

/** The newest is marked +, the one before it -. */
function jobLine(box: LinuxBox, number: number, job: Job, withPid: boolean): string {
  const numbers = [...box.jobs.keys()].sort((a, b) => b - a);
  const mark = ['+', '-'][numbers.indexOf(number)] ?? ' ';
  const pid = withPid ? `${job.task.tid} ` : '';
  return `[${number}]${mark}  ${pid}${stateOf(job).padEnd(24)}${job.text}${job.exitCode === undefined ? ' &' : ''}\n`;
}

/** What `jobs` shows; those that have ended are shown once. */
export function jobLines(box: LinuxBox, endedOnly = false, withPid = false): string {
  const shown = [...box.jobs].filter(([, { exitCode }]) => !endedOnly || exitCode !== undefined);
  const lines = shown.map(([number, job]) => jobLine(box, number, job, withPid));
  for (const [number, { exitCode }] of shown) if (exitCode !== undefined) box.jobs.delete(number);
  return lines.join('');
}

export const jobs = textCommand('jobs', undefined, ({ box, args }) => jobLines(box, false, args.includes('-l')));

/** `%1` or a process number. */
function jobNamed(box: LinuxBox, text: string): Job | undefined {
  if (text.startsWith('%')) return box.jobs.get(Number(text.slice(1)));
  return [...box.jobs.values()].find(({ task }) => task.tid === Number(text));
}

export const wait: LinuxCommand = {
  name: 'wait',
  path: undefined,
  *run({ box, args }) {
    let code = 0;
    const wanted = args.length === 0 ? [...box.jobs.values()] : args.map((text) => jobNamed(box, text));
    for (const [i, job] of wanted.entries()) {
      if (job === undefined) {
        yield { err: `bash: wait: pid ${args[i]} is not a child of this shell\n` };
        code = NOT_A_CHILD;
        continue;
      }
      while (job.exitCode === undefined) yield { sleep: LOOK_EVERY };
      code = args.length === 0 ? 0 : job.exitCode;
    }
    return code;
  },
};

/** @throws UsageError for a signal that does not exist */
function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const number = /^\d+$/.test(name) ? Number(name) : SIGNALS.indexOf(name) + 1;
  if (number < 1 || number > 64) throw new UsageError(`bash: kill: ${text}: invalid signal specification\n`);
  return number;
}

export const kill: LinuxCommand = {
  name: 'kill',
  path: undefined,
  *run({ box, args }) {
    let signal = SIGTERM;
    const targets: string[] = [];
    const words = [...args];
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === '-s' || word === '-n') signal = signalNumber(words.shift() ?? '');
      else if (word === '-l') {
        yield { out: `${SIGNALS.map((name, i) => `${i + 1}) SIG${name}`).join('  ')}\n` };
        return 0;
      } else if (word.startsWith('-') && targets.length === 0 && word !== '--') signal = signalNumber(word.slice(1));
      else if (word !== '--') targets.push(word);
    }
    if (targets.length === 0)
      throw new UsageError(
        'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n',
        2,
      );
    let code = 0;
    for (const target of targets) {
      const pid = target.startsWith('%') ? jobNamed(box, target)?.task.tid : Number(target);
      const process = pid === undefined ? undefined : box.machine.kernel.processes.all.get(pid);
      if (process === undefined || process.ending !== undefined) {
        yield {
          err: target.startsWith('%')
            ? `bash: kill: ${target}: no such job\n`
            : `bash: kill: (${target}) - No such process\n`,
        };
        code = 1;
      } else if (process !== box.shell.process) {
        const job = [...box.jobs.values()].find(({ task }) => task.process === process);
        if (job === undefined) box.machine.kernel.processes.exit(process, { signal });
        else box.end(job, SIGNAL_EXIT + signal, { signal });
      }
    }
    return code;
  },
};
