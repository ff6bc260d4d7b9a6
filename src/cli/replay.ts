import { KernelPanic } from '../kernel/oom/kernel-panic.ts';
import { Machine } from '../machine/machine.ts';
import { RecordingError } from '../program/recording/format.ts';
import type { RecordingReader } from '../program/recording/reader.ts';
import { Replay, type ReplayOptions } from '../program/recording/replay.ts';
import { type ReplayReport, reportOf } from '../program/recording/replay-report.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { EVENT_OPTION_TABLE, EVENT_OPTIONS_HELP, startEvents } from './event-output.ts';
import { LOG_OPTION_TABLE, LOG_OPTIONS_HELP, writeLog } from './log-output.ts';
import { MACHINE_OPTION_TABLE, MACHINE_OPTIONS_HELP, machineOptions } from './machine-options.ts';
import { openNamedRecording } from './open-recording.ts';
import { Progress } from './progress.ts';
import { checkColdFiles, REPLAY_OPTION_TABLE, REPLAY_OPTIONS_HELP, replayOptionsOf } from './replay-options.ts';
import { replayText } from './replay-text.ts';
import { CACHE_TRACE_HELP, holdsCacheTrace, isCacheTraceCommand, run as replayTrace } from './replay-trace.ts';
import { EXIT_OK, UserError } from './user-error.ts';

export const usage = `usage: faultline replay RECORDING [--json] [--events FILE] [--limit SIZE] [--cold] [machine options]

Runs a recording of a real program on the simulated machine: its page faults, TLB misses, page tables and memory over time.

  --json               the report as JSON (docs/replay.md tells the keys)
${REPLAY_OPTIONS_HELP}  --no-progress        no progress bar
${EVENT_OPTIONS_HELP}${LOG_OPTIONS_HELP}
${MACHINE_OPTIONS_HELP}
example: faultline replay recordings/sort.flt --cpu skylake

${CACHE_TRACE_HELP}`;

/** Records between two looks at the progress bar. */
const STRIDE = 1 << 20;

/** Replays to the end, or to the last whole block. */
function play(reader: RecordingReader, machine: Machine, options: ReplayOptions, wantsBar: boolean): ReplayReport {
  const progress = new Progress('replaying', wantsBar);
  const start = performance.now();
  const replay = Replay.start(machine, reader, options);
  let played = 0;
  while (!replay.done) {
    replay.advance(STRIDE);
    played += STRIDE;
    progress.update(Math.min(1, played / reader.totals.records));
  }
  replay.finish();
  const seconds = (performance.now() - start) / 1000;
  progress.end();
  return reportOf(replay, seconds, options.cold);
}

export async function run(args: readonly string[]): Promise<number> {
  if (isCacheTraceCommand(args)) return replayTrace(args);
  const parsed = parseArguments(args, {
    json: 'flag',
    ...REPLAY_OPTION_TABLE,
    'no-progress': 'flag',
    ...EVENT_OPTION_TABLE,
    ...LOG_OPTION_TABLE,
    ...MACHINE_OPTION_TABLE,
  });
  const [path, ...more] = parsed.operands;
  if (path === undefined) throw new UserError('replay needs a RECORDING; see faultline replay --help');
  if (more.length > 0) throw new UserError(`replay takes one RECORDING; "${more[0]}" is one too many`);
  if (await holdsCacheTrace(path)) return replayTrace(args);
  const options = machineOptions(parsed);
  const replayOptions = replayOptionsOf(parsed);
  const { reader, close } = openNamedRecording(path);
  if (reader.rows.length === 0) throw new UserError(`${path}: ${reader.damage ?? 'the recording is empty'}`);
  checkColdFiles(reader, replayOptions);
  const machine = new Machine(options);
  const about = { command: reader.header.command, machine: machine.options.processor.name };
  const endEvents = startEvents(machine, parsed, about);
  try {
    const report = play(reader, machine, replayOptions, !parsed.has('no-progress'));
    const { damage } = report.recording;
    if (damage !== null && report.instructions === 0) throw new UserError(`${path}: ${damage}`);
    if (damage !== null) process.stderr.write(`faultline: ${path}: ${damage}\n`);
    process.stdout.write(parsed.has('json') ? `${JSON.stringify(report)}\n` : replayText(report));
  } catch (error) {
    if (error instanceof RecordingError) throw new UserError(`${path}: ${error.message}`);
    if (error instanceof KernelPanic) throw new UserError(error.message);
    throw error;
  } finally {
    endEvents();
    writeLog(machine, parsed);
    close();
  }
  return EXIT_OK;
}

export const command: Command = { usage, run };
