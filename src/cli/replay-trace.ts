/** `faultline replay TRACE --cache-policy ...`: the traces that people who build caches use, under replacement policies. */
import { CacheReplay } from '../program/cache/cache-replay.ts';
import { Future } from '../program/cache/future.ts';
import { POLICIES } from '../program/cache/policies/index.ts';
import type { PolicyEntry } from '../program/cache/policy.ts';
import { RequestBuffer } from '../program/cache/request-buffer.ts';
import { guessFormat, type ReaderOptions, TRACE_FORMATS, type TraceFormat } from '../readers/cache-trace/formats.ts';
import { CacheTraceError, Damage } from '../readers/cache-trace/trace-error.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { type CacheSize, cachePolicies, cacheSizes, objectsOf } from './cache-options.ts';
import { type CacheRow, cachePlot, cacheTable, grouped } from './cache-report.ts';
import { Progress } from './progress.ts';
import { traceBytes, traceHead } from './trace-input.ts';
import { EXIT_OK, UserError } from './user-error.ts';

export const CACHE_TRACE_HELP = `a cache trace instead of a recording:
  faultline replay TRACE --cache-policy P[,P2,...]

  --cache-policy P,...   ${POLICIES.map((policy) => policy.name).join(', ')}, or all
  --cache-size N,...     objects that the cache holds: 5000, 10k, 1M, or a share of the trace's, 1% (default 1%,10%)
  --format F             auto, oracleGeneral, csv, msr or strace (default auto); .zst and .gz are decompressed
  --columns NAMES        columns of a CSV without a header: time,object,size or volume,offset,size
  --whole-objects        one object a record, where a format has ranges of bytes that are split into 4 KiB pages
  --skip-bad-lines       count damaged lines and go on
  --no-progress          no progress bar
  --json                 trace, format, requests, objects, skipped, decodeSeconds,
                         results: [{policy, size, misses, missRatio, requestsPerSecond}]

example: faultline replay src1_0.csv.gz --cache-policy lru,arc,sieve --cache-size 10k,100k
`;

const OPTIONS = {
  'cache-policy': 'value',
  'cache-size': 'value',
  format: 'value',
  columns: 'value',
  'whole-objects': 'flag',
  'skip-bad-lines': 'flag',
  'no-progress': 'flag',
  json: 'flag',
} as const;

const HEAD = 4096;

/** Whether a command line of `replay` is one of a cache trace. */
export const isCacheTrace = (args: readonly string[]): boolean =>
  args.some((arg) => arg === '--cache-policy' || arg.startsWith('--cache-policy='));

interface Trace {
  readonly path: string;
  readonly format: TraceFormat;
  readonly options: ReaderOptions;
  readonly skipBadLines: boolean;
  readonly wantsBar: boolean;
}

/** Runs the command line. @returns the exit code @throws {UserError} */
export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, OPTIONS);
  const [path, ...more] = parsed.operands;
  if (path === undefined) throw new UserError('replay needs a TRACE; see faultline replay --help');
  if (more.length > 0) throw new UserError(`replay takes one TRACE; "${more[0]}" is one too many`);
  const policies = cachePolicies(parsed.value('cache-policy') ?? '');
  const sizes = cacheSizes(parsed.value('cache-size') ?? '1%,10%');
  const trace = await traceOf(path, parsed);

  const { footprint, future } = await survey(trace, policies, sizes);
  const caches = policies.flatMap((policy) =>
    sizes.map((size) => ({ policy: policy.name, cache: policy.create(objectsOf(size, footprint)) })),
  );
  const now = (): number => performance.now();
  const replay = new CacheReplay(
    caches.map(({ cache }) => cache),
    { now, future },
  );
  const begin = now();
  const skipped = await read(trace, (requests) => replay.serve(requests));
  const total = now() - begin;
  if (replay.requests === 0) throw new UserError(`${path} holds no requests`);

  const results = replay.results();
  const decoding = total - results.reduce((sum, { time }) => sum + time, 0);
  const rows: CacheRow[] = results.map(({ misses, time }, i) => ({
    policy: caches[i].policy,
    size: caches[i].cache.capacity,
    misses,
    missRatio: misses / replay.requests,
    requestsPerSecond: Math.round((replay.requests / (decoding + time)) * 1000),
  }));
  if (parsed.has('json')) {
    const facts = { trace: path, format: trace.format.name, requests: replay.requests, objects: replay.footprint };
    const answer = { ...facts, skipped, decodeSeconds: decoding / 1000, results: rows };
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return EXIT_OK;
  }
  process.stdout.write(
    `${path}: ${grouped(replay.requests)} requests of ${grouped(replay.footprint)} objects (${trace.format.name})\n`,
  );
  if (skipped > 0) process.stdout.write(`damaged and passed over: ${grouped(skipped)}\n`);
  process.stdout.write(`\n${cacheTable(rows)}\n${cachePlot(rows)}`);
  return EXIT_OK;
}

async function traceOf(path: string, parsed: Arguments): Promise<Trace> {
  const columns = parsed.value('columns');
  const asked = parsed.value('format') ?? 'auto';
  // Who names columns has a CSV, which without its header looks like many things.
  const name = asked !== 'auto' ? asked : columns !== undefined ? 'csv' : guessFormat(await traceHead(path, HEAD));
  const format = TRACE_FORMATS.find((each) => each.name === name);
  if (format === undefined) {
    throw new UserError(
      `unknown format "${name}"; there are auto, ${TRACE_FORMATS.map((each) => each.name).join(', ')}`,
    );
  }
  if (columns !== undefined && format.name !== 'csv') throw new UserError('--columns is for --format csv only');
  const options = { wholeObjects: parsed.has('whole-objects'), ...(columns === undefined ? {} : { columns }) };
  return { path, format, options, skipBadLines: parsed.has('skip-bad-lines'), wantsBar: !parsed.has('no-progress') };
}

/** What has to be known before the replay, by a pass of its own if need be: how many objects there are, and the future. */
async function survey(
  trace: Trace,
  policies: readonly PolicyEntry[],
  sizes: readonly CacheSize[],
): Promise<{ footprint: number; future: Future | undefined }> {
  const needsFuture = !trace.format.knowsFuture && policies.some((policy) => policy.needsFuture);
  if (!needsFuture && !sizes.some((size) => 'share' in size)) return { footprint: 0, future: undefined };
  const future = needsFuture ? new Future() : undefined;
  const recorder = { capacity: 0, access: recordInto(future) };
  const replay = new CacheReplay([recorder]);
  await read(trace, (requests) => replay.serve(requests));
  future?.complete(replay.footprint);
  return { footprint: replay.footprint, future };
}

/** A cache that only looks on. */
function recordInto(future: Future | undefined): (batch: { objects: Int32Array; count: number }) => number {
  return ({ objects, count }) => {
    future?.add(objects, count);
    return 0;
  };
}

/** Reads the trace from its beginning to its end. @returns how many damaged lines or records were passed over */
async function read(trace: Trace, serve: (requests: RequestBuffer) => void): Promise<number> {
  const damage = new Damage(trace.skipBadLines);
  const progress = new Progress('replaying', trace.wantsBar);
  try {
    const reader = trace.format.open(new RequestBuffer(serve), damage, trace.options);
    for await (const bytes of traceBytes(trace.path, (done) => progress.update(done))) reader.push(bytes);
    reader.end();
  } catch (error) {
    if (error instanceof CacheTraceError) throw new UserError(`${trace.path}: ${error.message}`);
    throw error;
  } finally {
    progress.end();
  }
  return damage.count;
}
