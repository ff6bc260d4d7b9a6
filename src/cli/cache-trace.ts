/** A cache trace as the command line names it, and passes over it. */
import { CacheReplay } from '../program/cache/cache-replay.ts';
import { FileSizes } from '../program/cache/file-sizes.ts';
import { Future } from '../program/cache/future.ts';
import type { ObjectBatch, PolicyEntry } from '../program/cache/policy.ts';
import { RequestBuffer } from '../program/cache/request-buffer.ts';
import { guessFormat, type ReaderOptions, TRACE_FORMATS, type TraceFormat } from '../readers/cache-trace/formats.ts';
import { CacheTraceError, Damage } from '../readers/cache-trace/trace-error.ts';
import type { Arguments } from './arguments.ts';
import type { CacheSize } from './cache-options.ts';
import { Progress } from './progress.ts';
import { openTrace, type TraceInput } from './trace-input.ts';
import { UserError } from './user-error.ts';

export interface CacheTrace {
  readonly input: TraceInput;
  readonly format: TraceFormat;
  readonly options: ReaderOptions;
  readonly skipBadLines: boolean;
  readonly wantsBar: boolean;
}

/** @throws {UserError} a trace that cannot be read, or options that do not fit */
export async function openCacheTrace(path: string, parsed: Arguments): Promise<CacheTrace> {
  const columns = parsed.value('columns');
  const asked = parsed.value('format') ?? 'auto';
  const input = await openTrace(path);
  // Who names columns has a CSV, which without its header looks like many things.
  const name = asked !== 'auto' ? asked : columns !== undefined ? 'csv' : guessFormat(input.head);
  const format = TRACE_FORMATS.find((each) => each.name === name);
  if (format === undefined) {
    throw new UserError(
      `unknown format "${name}"; there are auto, ${TRACE_FORMATS.map((each) => each.name).join(', ')}`,
    );
  }
  if (columns !== undefined && format.name !== 'csv') throw new UserError('--columns is for --format csv only');
  const options = { wholeObjects: parsed.has('whole-objects'), ...(columns === undefined ? {} : { columns }) };
  return { input, format, options, skipBadLines: parsed.has('skip-bad-lines'), wantsBar: !parsed.has('no-progress') };
}

/** What has to be known before a replay. */
export interface Survey {
  /** Distinct objects; 0 when nobody asked. */
  readonly footprint: number;
  readonly future: Future | undefined;
  readonly fileSizes: FileSizes | undefined;
}

/**
 * Finds out what has to be known before the replay, by a pass of its own if need be.
 * @throws {UserError} the trace cannot be read twice, or is damaged
 */
export async function survey(
  trace: CacheTrace,
  policies: readonly PolicyEntry[],
  sizes: readonly CacheSize[],
): Promise<Survey> {
  const { format, input } = trace;
  const future = !format.knowsFuture && policies.some((policy) => policy.needsFuture) ? new Future() : undefined;
  const fileSizes = format.hasFiles && policies.some((policy) => policy.needsCalls) ? new FileSizes() : undefined;
  const needs = [
    ...(sizes.some((size) => 'share' in size) ? ['sizes that are shares of the trace, as 1%,'] : []),
    ...(future === undefined ? [] : ['belady']),
    ...(fileSizes === undefined ? [] : ['linux with strace']),
  ];
  if (needs.length === 0) return { footprint: 0, future, fileSizes };
  if (input.once) {
    throw new UserError(`${input.name} can be read once, and ${needs[0]} must see the trace before its replay`);
  }
  const access = (batch: ObjectBatch): number => {
    future?.add(batch.objects, batch.count);
    fileSizes?.add(batch);
    return 0;
  };
  const replay = new CacheReplay([{ capacity: 0, access }]);
  await readTrace(trace, (requests) => replay.serve(requests), fileSizes !== undefined);
  future?.complete(replay.footprint);
  return { footprint: replay.footprint, future, fileSizes };
}

/**
 * Reads the trace from its beginning to its end.
 * @param wantsCalls whether the calls that requests come from are wanted too
 * @returns how many damaged lines or records were passed over
 * @throws {UserError} damage that is not to be passed over
 */
export async function readTrace(
  trace: CacheTrace,
  serve: (requests: RequestBuffer) => void,
  wantsCalls: boolean,
): Promise<number> {
  const damage = new Damage(trace.skipBadLines);
  const progress = new Progress('replaying', trace.wantsBar);
  try {
    const reader = trace.format.open(new RequestBuffer(serve, wantsCalls), damage, trace.options);
    for await (const bytes of trace.input.bytes((done) => progress.update(done))) reader.push(bytes);
    reader.end();
  } catch (error) {
    if (error instanceof CacheTraceError) throw new UserError(`${trace.input.name}: ${error.message}`);
    throw error;
  } finally {
    progress.end();
  }
  return damage.count;
}
