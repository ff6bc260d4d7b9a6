/** A recording on a whole machine, kernel and all, and its page runs alone through the C loop. */
import type { ProcessorModel } from '../src/hardware/processors/processor-model.ts';
import { openRecording } from '../src/host/recording-file.ts';
import { Machine } from '../src/machine/machine.ts';
import { encodeBlock } from '../src/program/recording/block.ts';
import type { RecordingReader } from '../src/program/recording/reader.ts';
import { Replay } from '../src/program/recording/replay.ts';
import { cpuSeconds } from './cpu-clock.ts';
import { Opponent } from './opponent.ts';

const MEMORY = 4 * 2 ** 30;

export interface RecordingFigures {
  readonly command: string;
  readonly records: number;
  readonly accesses: number;
  /** Of the whole replay, decompression included. */
  readonly runsPerSecond: number;
  readonly accessesPerSecond: number;
  /** Speed relative to the C loop of the replay of decompressed blocks; C does no faults and no system calls. */
  readonly ratio: number;
}

/** Replays a recording file `rounds` times, each on a new machine, from the file and from memory; the best rounds count. */
export function measureRecording(path: string, model: ProcessorModel, rounds: number): RecordingFigures {
  const { reader, close } = openRecording(path);
  try {
    const { records, instructions, loads, stores } = reader.totals;
    const accesses = instructions + loads + stores;
    const seconds = best(rounds, () => replaySeconds(reader, model));
    const blocks = [...reader.blocks()];
    const inMemory = Object.create(reader, {
      blocks: { value: (first = 0) => blocks.slice(first, first + 1) },
    }) as RecordingReader;
    const opponent = new Opponent(blocks.map(encodeBlock));
    const secondsInC = best(rounds, () => opponent.run(model, 1).nanoseconds / 1e9);
    opponent.close();
    return {
      command: reader.header.command.join(' '),
      records,
      accesses,
      runsPerSecond: records / seconds,
      accessesPerSecond: accesses / seconds,
      ratio: secondsInC / best(rounds, () => replaySeconds(inMemory, model)),
    };
  } finally {
    close();
  }
}

function replaySeconds(reader: RecordingReader, model: ProcessorModel): number {
  const machine = new Machine({ memory: MEMORY, processor: model });
  const start = cpuSeconds();
  Replay.start(machine, reader).finish();
  return cpuSeconds() - start;
}

const best = (rounds: number, seconds: () => number): number => Math.min(...Array.from({ length: rounds }, seconds));
