/** `faultline replay TRACE`: the traces that people who build caches use, under replacement policies. */
import { CacheReplay } from '../program/cache/cache-replay.ts';
import { POLICIES } from '../program/cache/policies/index.ts';
import { beginsAsCacheTrace } from '../readers/cache-trace/formats.ts';
import { parseArguments } from './arguments.ts';
import { cacheCapacity, cachePolicies, cacheSizes, readAheadPages } from './cache-options.ts';
import { type CacheRow, cachePlot, cacheTable, grouped, trafficText } from './cache-report.ts';
import { openCacheTrace, readTrace, survey } from './cache-trace.ts';
import { openTrace } from './trace-input.ts';
import { EXIT_OK, UserError } from './user-error.ts';

export const CACHE_TRACE_HELP = `a cache trace instead of a recording:
  faultline replay TRACE [--cache-policy P,...] [--cache-size N,...]

  TRACE                  a file, or - for standard input
  --cache-policy P,...   ${POLICIES.map((policy) => policy.name).join(', ')}, or all
                         (default linux: the machine's own page cache under a memory cgroup's limit)
  --cache-size N,...     objects that the cache holds: 5000, 10k, 1M, or a share of the trace's, 1% (default 1%,10%)
  --read-ahead KB        linux: largest window of readahead (default 128; 0 reads nothing ahead)
  --format F             auto, oracleGeneral, csv, msr or strace (default auto); .zst and .gz are decompressed
  --columns NAMES        columns of a CSV without a header: time,object,size or volume,offset,size
  --whole-objects        one object a record, where a format has ranges of bytes that are split into 4 KiB pages
  --skip-bad-lines       count damaged lines and go on
  --no-progress          no progress bar
  --json                 trace, format, requests, objects, skipped, decodeSeconds,
                         results: [{policy, size, misses, missRatio, requestsPerSecond,
                         linux alone: pages: {read, written, dirty, refaulted, activated}}]

example: faultline replay src1_0.csv.gz --cache-policy linux,lru,arc,sieve --cache-size 10k,100k
`;

const OPTIONS = {
  'cache-policy': 'value',
  'cache-size': 'value',
  'read-ahead': 'value',
  format: 'value',
  columns: 'value',
  'whole-objects': 'flag',
  'skip-bad-lines': 'flag',
  'no-progress': 'flag',
  json: 'flag',
} as const;

/** Options that no recording has. */
const OWN = ['cache-policy', 'cache-size', 'format', 'columns', 'whole-objects', 'skip-bad-lines'];

/** Whether a command line of `replay` is one of a cache trace, whatever the file holds. */
export const isCacheTraceCommand = (args: readonly string[]): boolean =>
  args.includes('-') || args.some((arg) => OWN.some((name) => arg === `--${name}` || arg.startsWith(`--${name}=`)));

/** Whether a file is a cache trace. @throws {UserError} why it cannot be read */
export const holdsCacheTrace = async (path: string): Promise<boolean> =>
  beginsAsCacheTrace((await openTrace(path)).head);

/** Runs the command line. @returns the exit code @throws {UserError} */
export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, OPTIONS);
  const [path, ...more] = parsed.operands;
  if (path === undefined) throw new UserError('replay needs a TRACE; see faultline replay --help');
  if (more.length > 0) throw new UserError(`replay takes one TRACE; "${more[0]}" is one too many`);
  const policies = cachePolicies(parsed.value('cache-policy') ?? 'linux');
  const sizes = cacheSizes(parsed.value('cache-size') ?? '1%,10%');
  const readAhead = readAheadPages(parsed.value('read-ahead') ?? '128');
  const trace = await openCacheTrace(path, parsed);

  const { footprint, future, fileSizes } = await survey(trace, policies, sizes);
  const facts = { fileSizes, readAheadPages: readAhead };
  const caches = policies.flatMap((policy) =>
    sizes.map((size) => ({ policy: policy.name, cache: policy.create(cacheCapacity(policy, size, footprint), facts) })),
  );
  const now = (): number => performance.now();
  const replay = new CacheReplay(
    caches.map(({ cache }) => cache),
    { now, future },
  );
  const begin = now();
  const wantsCalls = policies.some((policy) => policy.needsCalls);
  const skipped = await readTrace(trace, (requests) => replay.serve(requests), wantsCalls);
  const total = now() - begin;
  if (replay.requests === 0) throw new UserError(`${trace.input.name} holds no requests`);

  const results = replay.results();
  const decoding = total - results.reduce((sum, { time }) => sum + time, 0);
  const rows: CacheRow[] = results.map(({ misses, time }, i) => {
    const { policy, cache } = caches[i];
    const pages = cache.traffic?.();
    return {
      policy,
      size: cache.capacity,
      misses,
      missRatio: misses / replay.requests,
      requestsPerSecond: Math.round((replay.requests / (decoding + time)) * 1000),
      ...(pages === undefined ? {} : { pages }),
    };
  });
  if (parsed.has('json')) {
    const facts = { trace: path, format: trace.format.name, requests: replay.requests, objects: replay.footprint };
    const answer = { ...facts, skipped, decodeSeconds: decoding / 1000, results: rows };
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return EXIT_OK;
  }
  const counts = `${grouped(replay.requests)} requests of ${grouped(replay.footprint)} objects`;
  process.stdout.write(`${trace.input.name}: ${counts} (${trace.format.name})\n`);
  if (skipped > 0) process.stdout.write(`damaged and passed over: ${grouped(skipped)}\n`);
  process.stdout.write(`\n${cacheTable(rows)}${trafficText(rows)}\n${cachePlot(rows)}`);
  return EXIT_OK;
}
