/** /usr/bin/time of GNU time 1.9, with -v: what a command cost. */

import type { Task } from '../../kernel/process/process.ts';
import type { LinuxCommand, Running } from '../command.ts';
import { UsageError } from '../command.ts';
import type { LinuxBox } from '../linux-box.ts';

const BLOCK = 512;
const PAGE_KB = 4;
const SIGNAL_EXIT = 128;
const NOT_FOUND = 127;

/** What a process had used at an instant; amounts are differenced. */
interface Usage {
  readonly at: number;
  readonly user: number;
  readonly system: number;
  readonly minor: number;
  readonly major: number;
  readonly blocksIn: number;
  readonly blocksOut: number;
}

function usageOf(box: LinuxBox, { process }: Task): Usage {
  const { times, minFlt, majFlt, readBytes, writtenBytes } = process;
  return {
    at: box.machine.clock.now,
    user: times.user,
    system: times.system,
    minor: minFlt,
    major: majFlt,
    blocksIn: Math.floor(readBytes / BLOCK),
    blocksOut: Math.floor(writtenBytes / BLOCK),
  };
}

/** `0:01.25`, `1:02:03`. */
function elapsedText(nanoseconds: number): string {
  const seconds = nanoseconds / 1e9;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  const hundredths = Math.floor(seconds * 100);
  return `${Math.floor(seconds / 60)}:${two((hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}

function report(command: string, from: Usage, to: Usage, peakKb: number, code: number): string {
  const elapsed = to.at - from.at;
  const [user, system] = [to.user - from.user, to.system - from.system];
  const share = elapsed > 0 ? `${Math.floor(((user + system) * 100) / elapsed)}%` : '?%';
  const lines: [name: string, value: string | number][] = [
    ['Command being timed', `"${command}"`],
    ['User time (seconds)', (user / 1e9).toFixed(2)],
    ['System time (seconds)', (system / 1e9).toFixed(2)],
    ['Percent of CPU this job got', share],
    ['Elapsed (wall clock) time (h:mm:ss or m:ss)', elapsedText(elapsed)],
    ['Average shared text size (kbytes)', 0],
    ['Average unshared data size (kbytes)', 0],
    ['Average stack size (kbytes)', 0],
    ['Average total size (kbytes)', 0],
    ['Maximum resident set size (kbytes)', peakKb],
    ['Average resident set size (kbytes)', 0],
    ['Major (requiring I/O) page faults', to.major - from.major],
    ['Minor (reclaiming a frame) page faults', to.minor - from.minor],
    ['Voluntary context switches', 0],
    ['Involuntary context switches', 0],
    ['Swaps', 0],
    ['File system inputs', to.blocksIn - from.blocksIn],
    ['File system outputs', to.blocksOut - from.blocksOut],
    ['Socket messages sent', 0],
    ['Socket messages received', 0],
    ['Signals delivered', 0],
    ['Page size (bytes)', 4096],
    ['Exit status', code],
  ];
  return lines.map(([name, value]) => `\t${name}: ${value}\n`).join('');
}

const short = (from: Usage, to: Usage, peakKb: number): string => {
  const seconds = (nanoseconds: number) => (nanoseconds / 1e9).toFixed(2);
  const elapsed = to.at - from.at;
  const [user, system] = [to.user - from.user, to.system - from.system];
  const share = elapsed > 0 ? `${Math.floor(((user + system) * 100) / elapsed)}%` : '?%';
  return (
    `${seconds(user)}user ${seconds(system)}system ${elapsedText(elapsed)}elapsed ${share}CPU (0avgtext+0avgdata ${peakKb}maxresident)k\n` +
    `${to.blocksIn - from.blocksIn}inputs+${to.blocksOut - from.blocksOut}outputs (${to.major - from.major}major+${to.minor - from.minor}minor)pagefaults 0swaps\n`
  );
};

/** time itself becomes the command: fork, then exec, as one process whose whole life is measured. */
export function timeCommand(commands: () => ReadonlyMap<string, LinuxCommand>): LinuxCommand {
  return {
    name: 'time',
    path: '/usr/bin/time',
    *run({ box, args, input }): Running {
      const verbose = args[0] === '-v' || args[0] === '--verbose';
      const [name, ...rest] = verbose ? args.slice(1) : args;
      if (name === undefined)
        throw new UsageError(
          "/usr/bin/time: missing program to run\nTry '/usr/bin/time --help' for more information.\n",
          125,
        );
      const command = commands().get(name.slice(name.lastIndexOf('/') + 1));
      if (command?.path === undefined) {
        yield { err: `/usr/bin/time: cannot run ${name}: No such file or directory\n${howItEnded(NOT_FOUND)}` };
        return NOT_FOUND;
      }
      const job = box.child(command, rest, input);
      const at = job.task.process.times.started;
      const from: Usage = { at, user: 0, system: 0, minor: 0, major: 0, blocksIn: 0, blocksOut: 0 };
      const code = yield* box.steps(job);
      const to = usageOf(box, job.task);
      const peak = job.peakRss * PAGE_KB;
      const text = verbose ? report([name, ...rest].join(' '), from, to, peak, code) : short(from, to, peak);
      yield { err: howItEnded(code) + text };
      return code;
    },
  };
}

function howItEnded(code: number): string {
  if (code > SIGNAL_EXIT) return `Command terminated by signal ${code - SIGNAL_EXIT}\n`;
  return code > 0 ? `Command exited with non-zero status ${code}\n` : '';
}
