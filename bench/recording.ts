/** A recording on a whole machine, kernel and all, and its page runs alone through the C loop. */
import type { ProcessorModel } from '../src/hardware/processors/processor-model.ts';
import { openRecording } from '../src/host/recording-file.ts';
import { Machine } from '../src/machine/machine.ts';
import { encodeBlock } from '../src/program/recording/block.ts';
import { Replay } from '../src/program/recording/replay.ts';
import { cpuSeconds } from './cpu-clock.ts';
import { Opponent } from './opponent.ts';

const MEMORY = 4 * 2 ** 30;

export interface RecordingFigures {
  readonly command: string;
  readonly records: number;
  readonly accesses: number;
  readonly seconds: number;
  readonly runsPerSecond: number;
  readonly accessesPerSecond: number;
  /** Speed relative to the C loop, which does no faults and no system calls. */
  readonly ratio: number;
}

/** Replays a recording file `rounds` times, each on a new machine; the best round counts. Blocks are decompressed anew each time. */
export function measureRecording(path: string, model: ProcessorModel, rounds: number): RecordingFigures {
  const { reader, close } = openRecording(path);
  try {
    const { records, instructions, loads, stores } = reader.totals;
    const accesses = instructions + loads + stores;
    let seconds = Infinity;
    for (let round = 0; round < rounds; round++) {
      const machine = new Machine({ memory: MEMORY, processor: model });
      const start = cpuSeconds();
      Replay.start(machine, reader).finish();
      seconds = Math.min(seconds, cpuSeconds() - start);
    }
    const opponent = new Opponent([...reader.blocks()].map(encodeBlock));
    const secondsInC = Math.min(...Array.from({ length: rounds }, () => opponent.run(model, 1).nanoseconds / 1e9));
    opponent.close();
    return {
      command: reader.header.command.join(' '),
      records,
      accesses,
      seconds,
      runsPerSecond: records / seconds,
      accessesPerSecond: accesses / seconds,
      ratio: secondsInC / seconds,
    };
  } finally {
    close();
  }
}
