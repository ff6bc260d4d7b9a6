import { type Calls, OBJECT } from '../../../program/cache/calls.ts';
import { RequestBuffer } from '../../../program/cache/request-buffer.ts';
import { type ReaderOptions, TRACE_FORMATS } from '../formats.ts';
import { Damage } from '../trace-error.ts';

export interface Collected {
  /** Each request: a number, `text` with its number, or `volume:block` for those of byte ranges. */
  readonly requests: string[];
  readonly next: number[];
  /** Each call as `read FILE:OFFSET+LENGTH at NANOSECONDS`, with `/STREAM` behind the file when it has one; `object` has no place. */
  readonly calls: string[];
  readonly skipped: number;
}

/**
 * Reads a trace in pieces of `piece` bytes.
 *
 * @param blocks the names are blocks of volumes
 * @param calls false leaves the calls out
 */
export function collect(
  format: string,
  input: string | Uint8Array,
  options: Partial<ReaderOptions> & { piece?: number; skip?: boolean; blocks?: boolean; calls?: boolean } = {},
): Collected {
  const requests: string[] = [];
  const next: number[] = [];
  const calls: string[] = [];
  const buffer = new RequestBuffer((batch) => {
    for (let i = 0; i < batch.count; i++) {
      const high = batch.high[i] >>> 0;
      const rest = options.blocks ? high % 4096 : high;
      const low = batch.low[i] >>> 0;
      // What is no number below 2^53 is a text.
      const name = rest < 2 ** 21 ? String(rest * 2 ** 32 + low) : `text ${low}`;
      requests.push(options.blocks ? `${Math.floor(high / 4096)}:${name}` : name);
      next.push(batch.next[i]);
    }
    if (batch.calls !== undefined) for (let i = 0; i < batch.calls.count; i++) calls.push(callText(batch.calls, i));
  }, options.calls ?? true);
  const damage = new Damage(options.skip ?? false);
  const entry = TRACE_FORMATS.find(({ name }) => name === format) ?? TRACE_FORMATS[0];
  const { wholeObjects = false, columns } = options;
  const reader = entry.open(buffer, damage, { wholeObjects, ...(columns === undefined ? {} : { columns }) });
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const piece = options.piece ?? bytes.length;
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.slice(at, at + piece));
  reader.end();
  return { requests, next, calls, skipped: damage.count };
}

function callText({ file, stream, offset, length, write, time }: Calls, i: number): string {
  const kind = write[i] === 1 ? 'write' : 'read';
  const name = stream[i] === 0 ? file[i] : `${file[i]}/${stream[i]}`;
  const what = file[i] === OBJECT ? 'object' : `${name}:${offset[i]}+${length[i]}`;
  return `${kind} ${what} at ${time[i]}`;
}
