/** A thread of `faultline sweep`: replays the recording on the machines that it is given, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { openRecording } from '../host/recording-file.ts';
import { KernelPanic } from '../kernel/oom/kernel-panic.ts';
import { Machine } from '../machine/machine.ts';
import { RecordingError } from '../program/recording/format.ts';
import { Replay } from '../program/recording/replay.ts';
import { type Measures, measuresOf } from '../sweep/measures.ts';
import { optionsOf } from './sweep-options.ts';

/** What a thread is started with. */
export interface SweepWork {
  readonly path: string;
}

/** A point for a thread: its number, and its options as a command line of `replay`. */
export interface SweepTask {
  readonly point: number;
  readonly args: readonly string[];
}

/** What a thread says: how far it is with a point, of 1; what it measured there; or why the recording cannot be replayed. */
export type SweepNews =
  | { readonly point: number; readonly share: number }
  | { readonly point: number; readonly measures: Measures }
  | { readonly damaged: string };

/** Records between two words on progress. */
const STRIDE = 1 << 20;

const say = (news: SweepNews): void => parentPort?.postMessage(news);

function measure(path: string, { point, args }: SweepTask): Measures {
  const options = optionsOf(args);
  const { reader, close } = openRecording(path);
  try {
    const replay = Replay.start(new Machine(options.machine), reader, options.replay);
    let panic: string | null = null;
    try {
      for (let played = STRIDE; !replay.done; played += STRIDE) {
        replay.advance(STRIDE);
        say({ point, share: Math.min(1, played / reader.totals.records) });
      }
      replay.finish();
    } catch (error) {
      if (!(error instanceof KernelPanic)) throw error;
      panic = error.reason;
    }
    return measuresOf(replay, panic);
  } finally {
    close();
  }
}

parentPort?.on('message', (task: SweepTask) => {
  try {
    say({ point: task.point, measures: measure((workerData as SweepWork).path, task) });
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    say({ damaged: error.message });
  }
});
