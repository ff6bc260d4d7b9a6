/** A Linux computer as one sits before it: the machine, a login shell on it, and what runs in front and behind. */
import type { Cpu } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { isError } from '../kernel/errno.ts';
import { panic } from '../kernel/panic.ts';
import type { Process, Task } from '../kernel/process/process.ts';
import { CAUSE_DISK, CAUSE_IDLE, CAUSE_INSTRUCTIONS, CAUSE_TLB, CAUSE_WALK } from '../kernel/time/clock.ts';
import { CpuTime, markFaults, passFaultTime } from '../machine/cpu-time.ts';
import type { Machine } from '../machine/machine.ts';
import { type Call, type LinuxCommand, type Running, type Step, UsageError } from './command.ts';
import { Userland } from './userland.ts';

/** Top of the mmap region of a process that has no program yet. */
const MMAP_BASE = vpn(0x7ffff7fff);
/** What bash answers for a program that a signal ended: 128 and the signal. */
const SIGNAL_EXIT = 128;
export const SIGINT = 2;
const SIGKILL = 9;
const USER_CAUSES = [CAUSE_INSTRUCTIONS, CAUSE_TLB, CAUSE_WALK];

/** A command that runs, in front or behind. */
export class Job {
  readonly task: Task;
  readonly text: string;
  readonly running: Running;
  /** Until when it sleeps, in nanoseconds since boot; what is past is ready to run. */
  asleepUntil = 0;
  /** It waits for a child. */
  waits = false;
  /** Most pages that it has had resident. */
  peakRss = 0;
  /** Once it has ended. */
  exitCode: number | undefined;

  constructor(task: Task, text: string, running: Running) {
    this.task = task;
    this.text = text;
    this.running = running;
  }
}

/** What is written to standard output or standard error. */
export type Written = Exclude<Step, { readonly sleep: number }>;

/** Where a command in front writes to, and how it is interrupted. */
export interface Terminal {
  write(step: Written): void;
  /** Ctrl-C was pressed, or nobody waits any longer. Asked between two steps. */
  interrupted(): boolean;
  /** So much simulated time has passed while the command slept: whoever watches may want to wait as long. */
  slept(nanoseconds: number): Promise<void>;
}

export class LinuxBox {
  readonly machine: Machine;
  readonly userland: Userland;
  /** The login shell. */
  readonly shell: Task;
  /** Commands in the background, by the number that `jobs` shows; those that have ended stay until they were shown. */
  readonly jobs: Map<number, Job> = new Map();
  /** Jobs behind that are ready to run, in the order of their turns. */
  readonly #ready: Job[] = [];
  /** What commands in the background have written. */
  readonly behind: Written[] = [];
  readonly #jobOf = new WeakMap<Process, Job>();
  /** What each program was called with; the shell's own line too. */
  readonly #commandLines = new WeakMap<Process, readonly string[]>();
  readonly #cpuTime: CpuTime;

  /** @throws RangeError when the machine is too small for a shell */
  constructor(machine: Machine) {
    this.machine = machine;
    this.userland = new Userland(machine);
    this.#cpuTime = new CpuTime(machine.clock, machine.cpus.length);
    this.shell = machine.kernel.processes.spawn('bash', MMAP_BASE);
    this.#commandLines.set(this.shell.process, ['-bash']);
    if (isError(this.userland.exec(this.shell, '/usr/bin/bash', ['-bash'])))
      throw new RangeError('the machine has too little memory for a shell');
  }

  /** Whether a process could run now: it is neither asleep nor waiting for a child. */
  isReady(process: Process): boolean {
    const job = this.#jobOf.get(process);
    return job !== undefined && !job.waits && job.asleepUntil <= this.machine.clock.now;
  }

  /** The text of a file of /proc or /sys. */
  read(path: string): string {
    const text = this.machine.kernel.systemFiles.file(path)?.read?.();
    return typeof text === 'string' ? text : panic(`linux: ${path} cannot be read`);
  }

  /** The words of /proc/PID/cmdline. */
  commandLine(process: Process): readonly string[] {
    return this.#commandLines.get(process) ?? [process.comm];
  }

  /** Runs a command to its end. @returns its exit code */
  async inFront(command: LinuxCommand, args: readonly string[], input: string, terminal: Terminal): Promise<number> {
    const job = this.#start(command, args, input);
    while (job.exitCode === undefined) {
      if (terminal.interrupted()) {
        this.end(job, SIGNAL_EXIT + SIGINT, { signal: SIGINT });
        break;
      }
      let asleep = 0;
      this.#step(job, terminal.write, (ns) => {
        asleep = ns;
      });
      if (asleep > 0) await terminal.slept(asleep);
      this.sleep(asleep);
      this.#turn();
    }
    this.machine.runOn(0, this.shell);
    return job.exitCode ?? 0;
  }

  /** Starts a command behind. @returns its number among the jobs */
  inBackground(command: LinuxCommand, args: readonly string[], text: string): number {
    const job = this.#start(command, args, '', text);
    const number = Math.max(0, ...this.jobs.keys()) + 1;
    this.jobs.set(number, job);
    this.#ready.push(job);
    this.machine.runOn(0, this.shell);
    return number;
  }

  /** A command as the child of one that runs; `steps` runs it. */
  child(command: LinuxCommand, args: readonly string[], input: string): Job {
    return this.#start(command, args, input);
  }

  /** Runs a child to its end: what it does is what its parent does. @returns its exit code */
  *steps(job: Job): Running {
    const { current } = this.machine.kernel;
    const parent = current && this.#jobOf.get(current.process);
    if (parent !== undefined) parent.waits = true;
    try {
      while (job.exitCode === undefined) {
        let next: Step | undefined;
        this.#step(
          job,
          (step) => {
            next = step;
          },
          (ns) => {
            next = { sleep: ns };
          },
        );
        if (next !== undefined) yield next;
      }
      return job.exitCode;
    } finally {
      if (parent !== undefined) parent.waits = false;
      // The parent was interrupted, and the terminal's signal goes to both.
      if (job.exitCode === undefined) this.end(job, SIGNAL_EXIT + SIGINT, { signal: SIGINT });
    }
  }

  /** Lets time pass, and with it what runs behind: it has the processor to itself. */
  sleep(nanoseconds: number): void {
    const { clock } = this.machine;
    const end = clock.now + nanoseconds;
    while (clock.now < end) {
      if (this.#ready.length > 0) this.#turn();
      else clock.sleep(Math.min(end, clock.nextDue) - clock.now, CAUSE_IDLE);
    }
  }

  /** Ends a job, whatever it does. */
  end(job: Job, exitCode: number, ending: { exit: number } | { signal: number }): void {
    job.exitCode = exitCode;
    job.running.return(exitCode);
    const { process } = job.task;
    if (process !== this.shell.process && process.ending === undefined)
      this.machine.kernel.processes.exit(process, ending);
  }

  /** A process for a program, forked off the command that runs or the shell; what the shell does itself, it does as itself. */
  #start(command: LinuxCommand, args: readonly string[], input: string, text = command.name): Job {
    const call: Call = { box: this, args, input };
    if (command.path === undefined) return new Job(this.shell, text, guarded(command.run(call)));
    const { current, processes } = this.machine.kernel;
    const task = processes.fork(current !== undefined && this.#jobOf.has(current.process) ? current : this.shell);
    if (typeof task === 'number') return new Job(this.shell, text, refuse('fork: Cannot allocate memory'));
    this.#commandLines.set(task.process, [command.name, ...args]);
    const error = this.#clocked(task, () => this.userland.exec(task, command.path ?? '', [command.name, ...args]));
    const running = isError(error) ? refuse(`${command.path}: Cannot allocate memory`) : guarded(command.run(call));
    const job = new Job(task, text, running);
    this.#jobOf.set(task.process, job);
    return job;
  }

  /** One step of a job as the running task; then what has become due. */
  #step(job: Job, write: Terminal['write'], sleep: (nanoseconds: number) => void): void {
    const { task } = job;
    const { process } = task;
    if (process.ending === undefined) {
      const { value, done } = this.#clocked(task, () => job.running.next());
      job.peakRss = Math.max(job.peakRss, task.mm.hiwaterRss, task.mm.rssPages);
      if (process.ending === undefined) {
        if (done) this.end(job, value, { exit: value });
        else if ('sleep' in value) {
          job.asleepUntil = this.machine.clock.now + value.sleep;
          sleep(value.sleep);
        } else write(value);
      }
    }
    if (process.ending !== undefined && job.exitCode === undefined) {
      const { ending } = process;
      if ('signal' in ending && ending.signal === SIGKILL) write({ err: 'Killed\n' });
      this.end(job, 'signal' in ending ? SIGNAL_EXIT + ending.signal : ending.exit, ending);
    }
    this.machine.clock.settle();
  }

  /** The first job that is ready does a step, and goes to the end of the row, or to sleep. */
  #turn(): void {
    const { clock } = this.machine;
    const job = this.#ready.shift();
    if (job === undefined || job.exitCode !== undefined) return;
    let asleep = 0;
    const write = (step: Written) => this.behind.push(step);
    this.#step(job, write, (ns) => {
      asleep = ns;
    });
    if (job.exitCode !== undefined) return;
    if (asleep > 0) clock.at(clock.now + asleep, () => this.#ready.push(job));
    else this.#ready.push(job);
  }

  /** Does something as a task, lets the time of it pass, and books that time to its process. */
  #clocked<T>(task: Task, work: () => T): T {
    const { clock, cpus } = this.machine;
    const caller = this.machine.kernel.current;
    this.machine.runOn(0, task);
    const before = clock.spent.slice();
    const since = markFaults(task);
    const result = work();
    this.#cpuTime.pass(cpus[0] as Cpu);
    passFaultTime(clock, task, since);
    if (caller !== undefined && caller.process.ending === undefined) this.machine.runOn(0, caller);
    const { times } = task.process;
    clock.spent.forEach((ns, cause) => {
      const used = ns - (before[cause] as number);
      if (USER_CAUSES.includes(cause)) times.user += used;
      else if (cause !== CAUSE_IDLE && cause !== CAUSE_DISK) times.system += used;
    });
    return result;
  }
}

/** A wrong call is a message and an exit code. */
function* guarded(running: Running): Running {
  try {
    return yield* running;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    yield { err: error.message };
    return error.code;
  }
}

function* refuse(why: string): Running {
  yield { err: `bash: ${why}\n` };
  return 1;
}
