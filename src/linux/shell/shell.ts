/** bash on the machine: just-bash parses and runs scripts; what they read of the system and start is the box's. */
import { Bash, type Command, InMemoryFs, MountableFs } from 'just-bash';
import type { LinuxCommand } from '../command.ts';
import { COMMANDS } from '../commands/index.ts';
import type { LinuxBox, Terminal, Written } from '../linux-box.ts';
import { strerror } from '../strerror.ts';
import { isOneCommand, START_JOB, startsJobs } from './background.ts';
import { rmdir } from './rmdir.ts';
import { SystemMount } from './system-mount.ts';

const HOME = '/root';
/** What just-bash itself has of the base system: text tools and shell builtins, none that speaks of the machine. */
const TEXT_TOOLS = [
  'awk',
  'base64',
  'basename',
  'cat',
  'chmod',
  'clear',
  'column',
  'comm',
  'cp',
  'cut',
  'date',
  'diff',
  'dirname',
  'echo',
  'egrep',
  'env',
  'expr',
  'false',
  'fgrep',
  'file',
  'find',
  'fold',
  'grep',
  'head',
  'join',
  'jq',
  'ls',
  'mkdir',
  'mv',
  'nl',
  'od',
  'paste',
  'printenv',
  'printf',
  'pwd',
  'readlink',
  'rev',
  'rm',
  'sed',
  'seq',
  'sort',
  'split',
  'stat',
  'strings',
  'tac',
  'tail',
  'tee',
  'touch',
  'tr',
  'tree',
  'true',
  'uniq',
  'wc',
  'which',
  'whoami',
  'xargs',
] as const;

/** No limit that a person at a shell would meet. */
const LIMITS = { maxCommandCount: 10_000_000, maxLoopIterations: 10_000_000, maxAwkIterations: 10_000_000 };

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Endless reports (`vmstat 1`) that a script or a pipe has to take before they are ended. */
const MOST_REPORTS = 60;

/** Who sits before a shell. */
export interface Person {
  /** Ctrl-C was pressed since the line began. */
  interrupted(): boolean;
  show(step: Written): void;
  /** Lets as much real time pass as a person should wait for so much simulated time. */
  wait(nanoseconds: number): Promise<void>;
}

export class Shell {
  readonly box: LinuxBox;
  readonly #bash: Bash;
  readonly #mounts: readonly SystemMount[];
  readonly #person: Person | undefined;
  #environment: Record<string, string> = {
    HOME,
    USER: 'root',
    SHELL: '/bin/bash',
    PATH: '/usr/bin:/bin',
    TERM: 'xterm',
  };
  #directory = HOME;
  /** The line is one command, whose output nothing else reads. */
  #direct = false;

  /** @param person who sits before it; without one, scripts run as fast as they can */
  constructor(box: LinuxBox, person?: Person) {
    this.box = box;
    this.#person = person;
    const { systemFiles } = box.machine.kernel;
    const base = new InMemoryFs();
    // Where the shell looks for commands; what is in these files is never read.
    for (const name of [...TEXT_TOOLS, ...COMMANDS.keys(), START_JOB, rmdir.name])
      base.writeFileSync(`/usr/bin/${name}`, '');
    base.mkdirSync(HOME, { recursive: true });
    const fs = new MountableFs({ base });
    this.#mounts = ['/proc', '/sys'].map((at) => new SystemMount(systemFiles, at));
    for (const mount of this.#mounts) fs.mount(mount.at, mount);
    this.#bash = new Bash({
      fs,
      commands: [...TEXT_TOOLS],
      customCommands: [...[...COMMANDS.values()].map((command) => this.#inFront(command)), this.#startJob(), rmdir],
      executionLimits: LIMITS,
      defenseInDepth: false,
      sleep: (ms) => Promise.resolve(box.sleep(ms * 1e6)),
      processInfo: { pid: box.shell.tid, ppid: 1, uid: 0, gid: 0 },
    });
    this.#bash.registerTransformPlugin({
      name: 'background',
      transform: ({ ast }) => {
        this.#direct = this.#person !== undefined && isOneCommand(ast);
        return { ast: startsJobs(ast) };
      },
    });
  }

  get directory(): string {
    return this.#directory;
  }

  /** Runs a line or a script. Variables, the directory and the machine stay for the next one. */
  async run(script: string): Promise<Result> {
    const { stdout, stderr, exitCode, env } = await this.#bash.exec(script, {
      env: this.#environment,
      replaceEnv: true,
      cwd: this.#directory,
    });
    this.#environment = env;
    this.#directory = env.PWD ?? this.#directory;
    const refused = this.#mounts.flatMap((mount) => mount.refused.splice(0));
    if (refused.length === 0) return { stdout, stderr, exitCode };
    const messages = refused.map((error) => `bash: write error: ${strerror(error)}\n`);
    return { stdout, stderr: stderr + messages.join(''), exitCode: exitCode || 1 };
  }

  /** What commands in the background have written since this was last asked. */
  takeBehind(): Result {
    const steps = this.box.behind.splice(0);
    return { ...textOf(steps), exitCode: 0 };
  }

  #inFront(command: LinuxCommand): Command {
    return {
      name: command.name,
      execute: async (args, { stdin }) => {
        const written: Written[] = [];
        const exitCode = await this.box.inFront(command, args, String(stdin), this.#terminal(written));
        return { ...textOf(written), exitCode };
      },
    };
  }

  /** A command's output is collected for the pipe or the file behind it, or shown at once to who watches. */
  #terminal(written: Written[]): Terminal {
    const person = this.#person;
    let reports = 0;
    return {
      write: (step) => {
        if (this.#direct && person !== undefined) person.show(step);
        else written.push(step);
      },
      slept: (nanoseconds) => {
        reports++;
        return person?.wait(nanoseconds) ?? Promise.resolve();
      },
      interrupted: () => {
        if (person?.interrupted()) return true;
        if (this.#direct || reports < MOST_REPORTS) return false;
        written.push({ err: `faultline: nobody presses Ctrl-C here: ended after ${reports} reports\n` });
        return true;
      },
    };
  }

  /** `start-job 'command'`: what `command &` was made of. It prints the process's number. */
  #startJob(): Command {
    return {
      name: START_JOB,
      execute: async ([text = ''], { exec, cwd }) => {
        const [name = '', ...args] = text.split(/\s+/);
        const command = COMMANDS.get(name);
        if (command === undefined) {
          // A list, or a text tool: nothing of the machine takes time there, it is done at once.
          const { stdout, stderr, exitCode } = (await exec?.(text, { cwd })) ?? { stdout: '', stderr: '', exitCode: 1 };
          this.box.behind.push({ out: stdout }, { err: stderr });
          return { stdout: `${this.box.shell.tid}\n`, stderr: '', exitCode };
        }
        const number = this.box.inBackground(command, args, text);
        const pid = this.box.jobs.get(number)?.task.tid ?? 0;
        return { stdout: `${pid}\n`, stderr: '', exitCode: 0 };
      },
    };
  }
}

function textOf(steps: readonly Written[]): { stdout: string; stderr: string } {
  const stdout = steps.map((step) => ('out' in step ? step.out : '')).join('');
  return { stdout, stderr: steps.map((step) => ('err' in step ? step.err : '')).join('') };
}
