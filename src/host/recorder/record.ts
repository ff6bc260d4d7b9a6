/**
 * Records a command: starts it under Valgrind with the pagetrace tool, collects what it and its children send, and reports how it
 * ended. The command has the terminal, its streams and its exit code to itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingHeader, RecordingMode } from '../../program/recording/header.ts';
import type { RecordingTool } from './build.ts';
import { Collector, type CollectorTotals } from './collector.ts';
import { environmentFacts, hostFacts } from './host-facts.ts';

export interface RecordRequest {
  readonly tool: RecordingTool;
  /** The command, argv[0] first; found by PATH. */
  readonly command: readonly string[];
  readonly output: string;
  readonly mode: RecordingMode;
  /** ISO 8601. */
  readonly date: string;
  /** Called twice a second while the command runs. */
  readonly onProgress?: (totals: CollectorTotals, seconds: number) => void;
  /** The command has ended and this many children of it go on; Ctrl-C ends the recording. */
  readonly onChildrenLeft?: (children: number) => void;
  /** The command's environment; without it, ours. */
  readonly environment?: NodeJS.ProcessEnv;
  /** For comparisons with other tools: leave heap and LD_PRELOAD as Valgrind makes them. */
  readonly asValgrind?: boolean;
}

export interface RecordResult extends CollectorTotals {
  /** The command's exit code; 128 + the signal that killed it. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly seconds: number;
  /** What the tool had to say: parts that could not be recorded. */
  readonly warnings: readonly string[];
}

const PROGRESS_MS = 500;

/** Chasing jumps between blocks of code would hide fetches; see native/pagetrace/README.md. */
const VALGRIND_OPTIONS = ['-q', '--tool=pagetrace', '--vgdb=no', '--trace-children=yes', '--vex-guest-chase=no'];

/** Runs the command to its end. Throws when the recording cannot be written; what is whole in the file by then stays. */
export async function record(request: RecordRequest): Promise<RecordResult> {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-'));
  const fd = openSync(request.output, 'w');
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  try {
    const collector = new Collector(fd, headerOf(request));
    await collector.listen(join(folder, 'socket'));
    const progress = setInterval(() => request.onProgress?.(collector.totals, seconds()), PROGRESS_MS);
    try {
      const ended = await run(start(request, folder), collector, request.onChildrenLeft);
      await collector.finish();
      return { ...collector.totals, ...ended, seconds: seconds(), warnings: warningsIn(folder) };
    } finally {
      clearInterval(progress);
    }
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
}

const headerOf = ({ command, mode, tool, date, environment }: RecordRequest): RecordingHeader => ({
  format: 'faultline recording',
  command,
  mode,
  source: 'pagetrace',
  tool: `pagetrace 1 (${tool.version})`,
  date,
  cwd: process.cwd(),
  environment: environmentFacts(environment),
  host: hostFacts(),
});

function start({ tool, command, mode, environment, asValgrind }: RecordRequest, folder: string): ChildProcess {
  const options = [`--recorder=${join(folder, 'socket')}`, `--log-file=${join(folder, 'log.%p')}`];
  if (mode.kind === 'windowed') options.push(`--window=${mode.window}`);
  if (asValgrind) options.push('--as-valgrind=yes');
  return spawn(tool.valgrind, [...VALGRIND_OPTIONS, ...options, '--', ...command], {
    stdio: 'inherit',
    env: { ...(environment ?? process.env), VALGRIND_LIB: tool.library },
  });
}

/** Waits for the command and then for its children. Ctrl-C is the command's affair until it has ended, then ours. */
function run(
  child: ChildProcess,
  collector: Collector,
  onChildrenLeft: RecordRequest['onChildrenLeft'],
): Promise<Pick<RecordResult, 'exitCode' | 'signal'>> {
  return new Promise((resolve, reject) => {
    let commandEnded = false;
    let stopWaiting = (): void => {};
    const onInterrupt = (): void => {
      if (commandEnded) stopWaiting();
    };
    const onTerminate = (signal: NodeJS.Signals): void => {
      child.kill(signal);
      stopWaiting();
    };
    const settle = (): void => {
      process.off('SIGINT', onInterrupt);
      for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, onTerminate);
    };
    process.on('SIGINT', onInterrupt);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, onTerminate);
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('exit', async (code, signal) => {
      commandEnded = true;
      const stopped = new Promise<void>((stop) => {
        stopWaiting = stop;
      });
      const left = setTimeout(() => onChildrenLeft?.(collector.running), 1000);
      await Promise.race([collector.whenIdle(), stopped]);
      clearTimeout(left);
      settle();
      resolve(signal ? { exitCode: 128 + constants.signals[signal], signal } : { exitCode: code ?? 1 });
    });
  });
}

/** The tool's own lines in Valgrind's logs ("==pid== pagetrace: ..."), each once. */
function warningsIn(folder: string): string[] {
  const lines = readdirSync(folder)
    .filter((name) => name.startsWith('log.'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .flatMap((line) => line.match(/pagetrace: (.*)$/)?.[1] ?? []);
  return [...new Set(lines)];
}
