import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRecording } from '../src/host/recording-file.ts';
import { Machine } from '../src/machine/machine.ts';
import { decodeSnapshot, encodeSnapshot } from '../src/machine/snapshot.ts';
import { Replay, type ReplayState } from '../src/program/recording/replay.ts';
import { bundledRecordings, goldenFile, goldenNumbers, RECORDINGS } from './golden.ts';

/** Points at which a replay is saved, of 1. */
const POINTS = [0, 0.11, 0.5, 0.93];
/** Enough for every bundled recording, and quick to save. */
const SMALL = { memory: 256 << 20 };

type Saved = { readonly machine: Parameters<typeof Machine.restore>[0]; readonly replay: ReplayState };
const saved = (replay: Replay): Uint8Array => encodeSnapshot({ machine: replay.machine.save(), replay: replay.save() });

describe.each(bundledRecordings())('recordings/%s.flt', (name) => {
  test('does its replay give the golden numbers? (node scripts/golden.ts writes them)', () => {
    expect(goldenNumbers(name)).toEqual(JSON.parse(readFileSync(goldenFile(name), 'utf8')));
  });

  test('saved at any point and restored, does it end in the same state, byte for byte?', { timeout: 120_000 }, () => {
    const { reader, close } = openRecording(join(RECORDINGS, `${name}.flt`));
    const whole = Replay.start(new Machine(SMALL), reader);
    whole.finish();
    const end = Buffer.from(saved(whole));
    const first = Replay.start(new Machine(SMALL), reader);
    let played = 0;
    for (const point of POINTS) {
      const place = Math.floor(reader.totals.records * point);
      first.advance(place - played);
      played = place;
      const state = decodeSnapshot(saved(first)) as Saved;
      const second = Replay.restore(Machine.restore(state.machine), reader, state.replay);
      second.finish();
      expect(end.equals(saved(second)), `saved at record ${place}`).toBe(true);
    }
    close();
  });
});
