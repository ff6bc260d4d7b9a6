/** `faultline advise hugepages`: what huge pages would do to a recorded program. */
import { advise } from '../advisor/hugepages/advice.ts';
import { type Measured, measure, SETTINGS } from '../advisor/hugepages/measure.ts';
import { adviceText } from '../advisor/hugepages/words.ts';
import { KernelPanic } from '../kernel/oom/kernel-panic.ts';
import { RecordingError } from '../program/recording/format.ts';
import { suggestion } from '../program/scenario/nearest.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { MACHINE_OPTION_TABLE, MACHINE_OPTIONS_HELP, machineOptions } from './machine-options.ts';
import { openNamedRecording } from './open-recording.ts';
import { Progress } from './progress.ts';
import { EXIT_OK, UserError } from './user-error.ts';

const usage = `usage: faultline advise hugepages RECORDING [--json] [machine options]

Replays a recording with 4 KiB pages, with transparent huge pages and with huge pages of the pool (for its anonymous mappings of 2 MiB
and more), and says what each does to TLB misses, page walks, faults, memory and time, which one to use, and how to set it.

  --json               {"command", "processor", "runs": [...], "advice": {...}}: times in simulated nanoseconds, sizes in bytes
  --no-progress        no progress bar

${MACHINE_OPTIONS_HELP}
example: faultline advise hugepages recordings/sort.flt --cpu zen4
`;

export const command: Command = {
  usage,
  async run(args) {
    const parsed = parseArguments(args, { json: 'flag', 'no-progress': 'flag', ...MACHINE_OPTION_TABLE });
    const [subject, path, ...more] = parsed.operands;
    if (subject !== 'hugepages') {
      const hint = subject === undefined ? '' : `, not "${subject}"${suggestion(subject, ['hugepages'])}`;
      throw new UserError(`advise advises on hugepages${hint}; see faultline advise --help`);
    }
    if (path === undefined) throw new UserError('advise hugepages needs a RECORDING');
    if (more.length > 0) throw new UserError(`advise hugepages takes one RECORDING; "${more[0]}" is one too many`);
    if (parsed.value('thp') !== undefined) throw new UserError('advise hugepages tries --thp never and always itself');
    const options = machineOptions(parsed);
    const { reader, close } = openNamedRecording(path);
    const progress = new Progress('replaying', !parsed.has('no-progress'));
    try {
      if (reader.rows.length === 0) throw new UserError(`${path}: ${reader.damage ?? 'the recording is empty'}`);
      const runs = SETTINGS.map((setting, i) =>
        measure(reader, setting, options, (share) => progress.update((i + share) / SETTINGS.length)),
      ) as [Measured, Measured, Measured];
      progress.end();
      const { command: recorded, mode } = reader.header;
      const advice = advise({ command: recorded, mode, damage: reader.damage }, runs);
      const processor = options.processor?.name ?? 'zen3';
      process.stdout.write(
        parsed.has('json')
          ? `${JSON.stringify({ command: recorded, processor, runs, advice })}\n`
          : adviceText(recorded, runs, advice),
      );
    } catch (error) {
      if (error instanceof RecordingError) throw new UserError(`${path}: ${error.message}`);
      if (error instanceof KernelPanic) throw new UserError(error.message);
      throw error;
    } finally {
      close();
    }
    return EXIT_OK;
  },
};
