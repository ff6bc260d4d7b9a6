/** stress-ng's virtual memory stressors: workers that map memory, write all of it, and unmap it, again and again. */
import { costs } from '../../hardware/costs.ts';
import { STORE } from '../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import { isError } from '../../kernel/errno.ts';
import { CAUSE_INSTRUCTIONS } from '../../kernel/time/clock.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import { parseSize } from '../../program/scenario/size.ts';
import type { Call, LinuxCommand, Running } from '../command.ts';
import { UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import type { Job } from '../linux-box.ts';
import { durationSeconds } from './sleep.ts';

const OPTIONS = {
  vm: { short: 'm', long: 'vm', value: 'required' },
  bytes: { long: 'vm-bytes', value: 'required' },
  keep: { long: 'vm-keep' },
  hang: { long: 'vm-hang', value: 'required' },
  timeout: { short: 't', long: 'timeout', value: 'required' },
  ops: { long: 'vm-ops', value: 'required' },
} as const;

const DEFAULT_BYTES = 256 << 20;
const DEFAULT_TIMEOUT = 86_400;
/** Each page is written in words of eight bytes, and read again to see whether memory kept it. */
const INSTRUCTIONS_A_PAGE = 2 * 3 * (PAGE_SIZE / 8);
/** Pages written between two steps, so that others run too. */
const PAGES_A_STEP = 1024;

interface Settings {
  readonly bytes: number;
  readonly keep: boolean;
  /** Seconds of rest with the memory held. */
  readonly hang: number;
  readonly end: number;
  readonly ops: number;
}

/** One worker: a process of its own. */
function* worker({ box }: Call, settings: Settings): Running {
  const { machine } = box;
  const { addressSpaces } = machine.kernel;
  const task = machine.kernel.current;
  if (task === undefined) return 1;
  let at = -1;
  for (let op = 0; op < settings.ops && machine.clock.now < settings.end; op++) {
    if (at < 0) {
      const result = addressSpaces.mmap(
        task,
        0,
        settings.bytes,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        undefined,
        0,
      );
      if (isError(result)) {
        // As the original: it tries again a little later.
        yield { sleep: 1e8 };
        continue;
      }
      at = result;
    }
    for (let page = 0; page < settings.bytes / PAGE_SIZE; page++) {
      if (machine.touch(task, at + page * PAGE_SIZE, STORE) !== undefined) return 0;
      machine.clock.spend(INSTRUCTIONS_A_PAGE * costs.instruction, CAUSE_INSTRUCTIONS);
      if (page % PAGES_A_STEP === PAGES_A_STEP - 1) yield { sleep: 0 };
    }
    if (settings.hang > 0) yield { sleep: settings.hang * 1e9 };
    if (settings.keep) continue;
    addressSpaces.munmap(task, at, settings.bytes);
    at = -1;
  }
  return 0;
}

/** Children that run side by side, a step each. */
function* takingTurns(all: readonly Running[]): Running {
  try {
    for (let left = all; left.length > 0; ) {
      const next: Running[] = [];
      for (const one of left) {
        const { value, done } = one.next();
        if (done) continue;
        next.push(one);
        yield value;
      }
      left = next;
    }
    return 0;
  } finally {
    for (const one of all) one.return(0);
  }
}

function settingsOf(given: ReadonlyMap<string, string>, now: number): Settings & { workers: number; timeout: number } {
  const fail = (option: string): never => {
    throw new UsageError(`stress-ng: invalid argument '${given.get(option)}' of option ${option}\n`);
  };
  const whole = (option: string, fallback: number) => {
    const text = given.get(option);
    return text === undefined ? fallback : /^\d+$/.test(text) ? Number(text) : fail(option);
  };
  const timeoutText = given.get('timeout');
  const timeout = timeoutText === undefined ? DEFAULT_TIMEOUT : (durationSeconds(timeoutText) ?? fail('timeout'));
  const bytesText = given.get('bytes')?.replace(/[bB]$/, '');
  const bytes = bytesText === undefined ? DEFAULT_BYTES : (parseSize(bytesText.toUpperCase()) ?? fail('bytes'));
  const workers = whole('vm', 0);
  if (workers < 1) throw new UsageError('stress-ng: only --vm N is modelled here\n');
  // The bytes are those of all workers together.
  const each = Math.max(PAGE_SIZE, Math.floor(bytes / workers / PAGE_SIZE) * PAGE_SIZE);
  const ops = whole('ops', Number.POSITIVE_INFINITY);
  return {
    workers,
    timeout,
    bytes: each,
    keep: given.has('keep'),
    hang: whole('hang', 0),
    end: now + timeout * 1e9,
    ops,
  };
}

export const stressNg: LinuxCommand = {
  name: 'stress-ng',
  path: '/usr/bin/stress-ng',
  *run(call) {
    const { box, args } = call;
    const { given } = getopt('stress-ng', args, OPTIONS);
    const settings = settingsOf(given, box.machine.clock.now);
    const pid = box.machine.kernel.current?.tid ?? 0;
    const line = (text: string) => ({ out: `stress-ng: info:  [${pid}] ${text}\n` });
    yield line(`setting to a ${settings.timeout} secs run per stressor`);
    yield line(`dispatching hogs: ${settings.workers} vm`);
    const started = box.machine.clock.now;
    const vm: LinuxCommand = { name: 'stress-ng-vm', path: '/usr/bin/stress-ng', run: (own) => worker(own, settings) };
    const jobs: Job[] = Array.from({ length: settings.workers }, () => box.child(vm, [], ''));
    yield* takingTurns(jobs.map((job) => box.steps(job)));
    const failed = jobs.filter(({ exitCode }) => exitCode !== 0).length;
    yield line(`passed: ${jobs.length - failed}: vm (${jobs.length - failed})`);
    yield line(`failed: ${failed}`);
    yield line(`run completed in ${((box.machine.clock.now - started) / 1e9).toFixed(2)} secs`);
    return failed > 0 ? 2 : 0;
  },
};
