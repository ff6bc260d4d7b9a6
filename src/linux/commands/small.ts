/** Commands that answer in a line. */
import { textCommand, UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import { strerror } from '../strerror.ts';

export const nproc = textCommand('nproc', '/usr/bin/nproc', ({ box }) => `${box.machine.cpus.length}\n`);
export const hostname = textCommand('hostname', '/usr/bin/hostname', () => 'faultline\n');

const UNAME_OPTIONS = {
  all: { short: 'a', long: 'all' },
  kernelName: { short: 's' },
  release: { short: 'r', long: 'kernel-release' },
  machine: { short: 'm', long: 'machine' },
  node: { short: 'n', long: 'nodename' },
} as const;

/** uname of coreutils 9.1. */
export const uname = textCommand('uname', '/usr/bin/uname', ({ box, args }) => {
  const { given } = getopt('uname', args, UNAME_OPTIONS);
  const [, , release = ''] = box.read('/proc/version').split(' ');
  const parts: [option: keyof typeof UNAME_OPTIONS, text: string][] = [
    ['kernelName', 'Linux'],
    ['node', 'faultline'],
    ['release', release],
    ['machine', 'x86_64'],
  ];
  if (given.has('all')) return `Linux faultline ${release} #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux\n`;
  const wanted = parts.filter(([option]) => given.has(option) || (given.size === 0 && option === 'kernelName'));
  return `${wanted.map(([, text]) => text).join(' ')}\n`;
});

const CHOOM_OPTIONS = {
  pid: { short: 'p', long: 'pid', value: 'required' },
  adjust: { short: 'n', long: 'adjust', value: 'required' },
} as const;

/** choom of util-linux 2.38: shows and sets oom_score_adj. */
export const choom = textCommand('choom', '/usr/bin/choom', ({ box, args }) => {
  const { given } = getopt('choom', args, CHOOM_OPTIONS);
  const pid = given.get('pid');
  if (pid === undefined) throw new UsageError("choom: no PID specified\nTry 'choom --help' for more information.\n");
  const { systemFiles } = box.machine.kernel;
  const file = systemFiles.file(`/proc/${pid}/oom_score_adj`);
  const before = file?.read?.();
  if (typeof before !== 'string') throw new UsageError(`choom: failed to read OOM score value: ${strerror(2)}\n`);
  const adjust = given.get('adjust');
  if (adjust === undefined) {
    const score = box.read(`/proc/${pid}/oom_score`).trim();
    return `pid ${pid}'s current OOM score: ${score}\npid ${pid}'s current OOM score adjust value: ${before.trim()}\n`;
  }
  const error = file?.write?.(adjust) ?? 0;
  if (error < 0) throw new UsageError(`choom: failed to set score adjust value: ${strerror(-error)}\n`);
  return `pid ${pid}'s OOM score adjust value changed from ${before.trim()} to ${adjust}\n`;
});
