/**
 * The golden numbers of the bundled recordings: recordings/NAME.golden.json has what a replay of recordings/NAME.flt on the
 * default machine reports. `node scripts/golden.ts` writes them again; the tests compare.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRecording } from '../src/host/recording-file.ts';
import { Machine } from '../src/machine/machine.ts';
import { Replay } from '../src/program/recording/replay.ts';
import { type ReplayReport, reportOf } from '../src/program/recording/replay-report.ts';

export const RECORDINGS: string = join(import.meta.dirname, '../recordings');

/** Names of the bundled recordings, without `.flt`. */
export const bundledRecordings = (): string[] =>
  readdirSync(RECORDINGS)
    .filter((name) => name.endsWith('.flt'))
    .map((name) => name.slice(0, -'.flt'.length));

/** Where the golden numbers of a recording stand. */
export const goldenFile = (name: string): string => join(RECORDINGS, `${name}.golden.json`);

/** All that a replay on the default machine reports, but the time it took and the samples between first and last. */
export function goldenNumbers(name: string): Omit<ReplayReport, 'wallSeconds' | 'series'> & { samples: number } {
  const { reader, close } = openRecording(join(RECORDINGS, `${name}.flt`));
  const replay = Replay.start(new Machine(), reader);
  replay.finish();
  close();
  const { wallSeconds: _, series, ...numbers } = reportOf(replay, 0);
  return { ...numbers, samples: series.at.length };
}

if (process.argv[1] === import.meta.filename) {
  for (const name of bundledRecordings())
    writeFileSync(goldenFile(name), `${JSON.stringify(goldenNumbers(name), null, 2)}\n`);
}
