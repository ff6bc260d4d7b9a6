/** `faultline shell`: a Linux machine to sit down at. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { setTimeout } from 'node:timers/promises';
import { COMMANDS } from '../linux/commands/index.ts';
import { jobLines } from '../linux/commands/jobs.ts';
import { LinuxBox } from '../linux/linux-box.ts';
import { type Result, Shell } from '../linux/shell/shell.ts';
import { Machine } from '../machine/machine.ts';
import { type OptionTable, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { MACHINE_OPTION_TABLE, MACHINE_OPTIONS_HELP, machineOptions } from './machine-options.ts';
import { machineOfOption, OOM_REPORT_OPTION_TABLE, OOM_REPORT_OPTIONS_HELP } from './oom-report-machine.ts';
import { EXIT_OK, UserError } from './user-error.ts';

const OPTIONS: OptionTable = { ...MACHINE_OPTION_TABLE, ...OOM_REPORT_OPTION_TABLE, command: 'value' };
/** How often a wait looks for Ctrl-C, in milliseconds. */
const LOOK_EVERY = 50;
const PROMPT = 'root@faultline';

const usage = `usage: faultline shell [machine options] [-c LINE | SCRIPT]

A shell on a machine that has just booted: free, vmstat, ps, top, pmap, swapon, swapoff, sysctl, dmesg, journalctl,
ulimit, time, kill, jobs, stress-ng and others of Linux's commands, grep, awk and the text tools, and everything below
/proc. Time is the machine's: \`sleep 60\` is over at once, and what runs behind has run for a minute.

  -c LINE     runs a line and ends with its exit code
  SCRIPT      runs a file, \`-\` or no terminal the standard input

${OOM_REPORT_OPTIONS_HELP}
${MACHINE_OPTIONS_HELP}
example: faultline shell --memory 512M --swap 256M -c 'stress-ng --vm 1 --vm-bytes 600M --vm-keep & vmstat 1 5'
`;

const print = ({ stdout, stderr }: Result): void => {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
};

function readScript(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message.replace(/^[A-Z]+: /, '').split(',')[0]}`);
  }
}

/** Runs a whole script. @returns the exit code of its last command */
async function runScript(shell: Shell, script: string): Promise<number> {
  const result = await shell.run(script);
  print(result);
  print(shell.takeBehind());
  return result.exitCode;
}

/** Names of commands, and of files below /proc and /sys, that begin as the line's last word does. */
function complete(shell: Shell, line: string): [string[], string] {
  const word = /\S*$/.exec(line)?.[0] ?? '';
  const typed = word.slice(0, word.lastIndexOf('/') + 1);
  const directory = typed.startsWith('/') ? typed.slice(0, -1) : `${shell.directory}/${typed}`.replace(/\/$/, '');
  const entries = shell.box.machine.kernel.systemFiles.directory(directory) ?? new Map<string, string>();
  const paths = [...entries].map(([name, kind]) => `${typed}${name}${kind === 'directory' ? '/' : ''}`);
  const names = /\S\s+\S*$/.test(line) ? paths : [...[...COMMANDS.keys()].map((name) => `${name} `), ...paths];
  return [names.filter((name) => name.startsWith(word)), word];
}

/** A person at a terminal: a line, its answer, and the next. Ctrl-C ends the command, Ctrl-D the shell. */
async function converse(box: LinuxBox): Promise<number> {
  let [pressed, running] = [false, false];
  const shell = new Shell(box, {
    interrupted: () => pressed,
    show: (step) => {
      if ('out' in step) process.stdout.write(step.out);
      else process.stderr.write(step.err);
    },
    wait: (nanoseconds) => wait(nanoseconds / 1e6, () => pressed),
  });
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    completer: (line: string) => complete(shell, line),
  });
  let code = EXIT_OK;
  const ask = (): void => {
    const directory = shell.directory.replace(/^\/root/, '~');
    terminal.setPrompt(`${PROMPT}:${directory}# `);
    terminal.prompt();
  };
  terminal.on('SIGINT', () => {
    process.stdout.write('^C\n');
    if (running) pressed = true;
    else {
      // What was typed so far is dropped.
      terminal.write(null, { ctrl: true, name: 'u' });
      ask();
    }
  });
  ask();
  for await (const line of terminal) {
    const [, exitCode] = /^\s*(?:exit|logout)(?:\s+(\d+))?\s*$/.exec(line) ?? [undefined, undefined];
    if (/^\s*(exit|logout)\b/.test(line)) {
      terminal.close();
      return exitCode === undefined ? code : Number(exitCode);
    }
    [pressed, running] = [false, true];
    const result = await shell.run(line);
    running = false;
    code = result.exitCode;
    print(result);
    print(shell.takeBehind());
    process.stdout.write(jobLines(box, true));
    ask();
  }
  process.stdout.write('\n');
  return code;
}

/** Real milliseconds, or until Ctrl-C. */
async function wait(milliseconds: number, pressed: () => boolean): Promise<void> {
  for (let left = milliseconds; left > 0 && !pressed(); left -= LOOK_EVERY)
    await setTimeout(Math.min(left, LOOK_EVERY));
}

export const command: Command = {
  usage,
  async run(args) {
    const parsed = parseArguments(args, OPTIONS);
    const { operands } = parsed;
    const line = parsed.value('command');
    const most = line === undefined ? 1 : 0;
    if (operands.length > most)
      throw new UserError(`shell: unexpected "${operands[most]}"; a line is one word: put it in quotes`);
    const box = new LinuxBox(machineOfOption(parsed) ?? new Machine(machineOptions(parsed)));
    const [path] = operands;
    if (line !== undefined) return runScript(new Shell(box), line);
    if (path !== undefined) return runScript(new Shell(box), readScript(path));
    return process.stdin.isTTY ? converse(box) : runScript(new Shell(box), readScript('-'));
  },
};
