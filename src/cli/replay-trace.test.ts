import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mixedTrace } from '../program/cache/testing/traces.ts';
import { command } from './replay.ts';
import { holdsCacheTrace, run } from './replay-trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'cache-trace-'));
const CSV = `time,object,size\n${mixedTrace()
  .map((object, i) => `${i},${object},4096\n`)
  .join('')}`;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

let trace = '';
beforeAll(() => {
  trace = file('trace.csv', CSV);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command. @returns what it printed */
async function output(...args: string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  try {
    expect(await run(args)).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

test('does it print one table and one plot, the best policy on top?', async () => {
  const text = await output(trace, '--cache-policy', 'lru,sieve', '--cache-size', '40,0.2k');
  expect(text).toContain('10,000 requests of 2,091 objects (csv)');
  expect(text).toMatch(/^lru +40 +8,586 +0\.8586 +[\d.]+ M$/m);
  expect(text).toMatch(/^sieve +200 +6,131 +0\.6131 +[\d.]+ M$/m);
  const plot = text.slice(text.indexOf('miss ratio, 200 objects')).split('\n');
  expect(plot[1]).toMatch(/^ {2}sieve █{24}▌ +0\.6131$/);
  expect(plot[2]).toMatch(/^ {2}lru {3}█{27}▉ +0\.6975$/);
});

test('does --json have the documented keys, and the future for belady?', async () => {
  const answer = JSON.parse(await output(trace, '--cache-policy=belady', '--cache-size', '40,10%', '--json'));
  expect(answer).toMatchObject({ trace, format: 'csv', requests: 10_000, objects: 2091, skipped: 0 });
  expect(answer.results[0]).toMatchObject({ policy: 'belady', size: 40, misses: 6604, missRatio: 0.6604 });
  expect(answer.results[1].size).toBe(209);
  expect(answer.results[0].requestsPerSecond).toBeGreaterThan(0);
  expect(Object.keys(answer)).toEqual([
    'trace',
    'format',
    'requests',
    'objects',
    'skipped',
    'decodeSeconds',
    'results',
  ]);
});

test.each([
  ['zst', zstdCompressSync],
  ['gz', gzipSync],
])('does it read .%s?', async (suffix, compress) => {
  const path = file(`trace.csv.${suffix}`, compress(Buffer.from(CSV)));
  const answer = JSON.parse(await output(path, '--cache-policy', 'lru', '--cache-size', '40', '--json'));
  expect(answer.results[0].misses).toBe(8586);
});

test('does the replay command hand traces over?', async () => {
  await expect(async () => command.run([trace, '--cache-policy', 'luru'])).rejects.toThrow('unknown cache policy');
  expect(command.usage).toContain('--cache-policy P,...   linux, lru, fifo, clock,');
});

const MSR = Array.from(
  { length: 100 },
  (_, i) => `${128166372003061629n + BigInt(i) * 10_000_000n},hm,1,${i % 2 ? 'Write' : 'Read'},${i * 8192},8192,9\n`,
).join('');

test("is linux the policy when none is named, and are its pages told in the report and in JSON's `pages`?", async () => {
  const path = file('volume.csv', MSR);
  const text = await output(path, '--cache-size', '100', '--no-progress');
  expect(text).toContain('200 requests of 200 objects (msr)');
  expect(text).toMatch(/^linux +100 +\d+ +0\.\d{4} +[\d.]+ M$/m);
  expect(text).toMatch(/^linux, 100 pages: \d+ read, \d+ written and \d+ still dirty; 0 came back after/m);
  const { results } = JSON.parse(await output(path, '--cache-policy', 'linux,lru', '--cache-size', '100', '--json'));
  const { read, written, dirty, refaulted, activated } = results[0].pages;
  expect([refaulted, activated]).toEqual([0, 0]);
  // A write makes its whole folio dirty, which readahead may have made larger.
  expect(written + dirty).toBeGreaterThanOrEqual(100);
  expect(read).toBeGreaterThanOrEqual(100);
  expect(results[1].pages).toBeUndefined();
  const none = JSON.parse(await output(path, '--cache-size', '100', '--read-ahead', '0', '--json'));
  expect(none.results[0]).toMatchObject({ misses: 200, pages: { read: 100 } });
  expect(none.results[0].pages.written + none.results[0].pages.dirty).toBe(100);
});

test('is a file whose first bytes are those of a trace replayed without any option?', async () => {
  expect(await holdsCacheTrace(file('volume2.csv', MSR))).toBe(true);
  expect(await holdsCacheTrace(trace)).toBe(true);
  expect(await holdsCacheTrace(import.meta.filename)).toBe(false);
  await expect(holdsCacheTrace(join(folder, 'none'))).rejects.toThrow('there is no such file');
});

describe('standard input', () => {
  /** Reads a trace in pieces of a hundred bytes. */
  async function fromInput(bytes: Uint8Array, ...args: string[]): Promise<string> {
    const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) =>
      bytes.subarray(i * 100, i * 100 + 100),
    );
    const input = vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from(pieces) as typeof process.stdin);
    try {
      return await output('-', ...args);
    } finally {
      input.mockRestore();
    }
  }

  test.each([
    ['as it is', Buffer.from(CSV)],
    ['with gzip', gzipSync(CSV)],
    ['with zstd', zstdCompressSync(CSV)],
  ])('is it a trace, %s?', async (_, bytes) => {
    const text = await fromInput(bytes, '--cache-policy', 'lru', '--cache-size', '40');
    expect(text).toContain('standard input: 10,000 requests of 2,091 objects (csv)');
    expect(text).toMatch(/^lru +40 +8,586 /m);
  });

  test.each([
    [[], 'sizes that are shares of the trace, as 1%,'],
    [['--cache-size', '9', '--cache-policy', 'belady'], 'belady'],
    [['--cache-size', '9', '--format', 'strace'], 'linux with strace'],
  ])('is what needs the trace twice refused (%j)?', async (args, what) => {
    const message = `standard input can be read once, and ${what} must see the trace before its replay`;
    await expect(fromInput(Buffer.from(CSV), ...args)).rejects.toThrow(message);
  });
});

test('do damaged lines end it, or count?', async () => {
  const path = file('bad.csv', 'time,object\n1,2\n1\n2,2\n');
  await expect(run([path, '--cache-policy', 'lru'])).rejects.toThrow(`${path}: line 3: "1" has not 2 fields`);
  const text = await output(path, '--cache-policy', 'lru', '--skip-bad-lines');
  expect(text).toContain('2 requests of 1 objects');
  expect(text).toContain('damaged and passed over: 1\n');
});

test.each([
  [['--cache-policy', 'luru'], 'unknown cache policy "luru"; did you mean "lru"?'],
  [['--cache-policy', 'lru', '--cache-size', '0'], '"0" is no cache size'],
  [['--cache-policy', 'lru', '--cache-size', '200%'], '"200%" is no cache size'],
  [['--cache-size', '17M'], 'a cache of 17000000 objects is too large for the policy linux; 16777216 is the most'],
  [['--read-ahead', '-4'], '"-4" is no size of readahead; it is a number of KiB from 0 to 1048576'],
  [['--cache-policy', 'lru', '--cache-size', '9999M'], 'a cache of 9999M objects is too large'],
  [
    ['--cache-policy', 'lru', '--format', 'vscsi'],
    'unknown format "vscsi"; there are auto, oracleGeneral, csv, msr, strace',
  ],
  [['--cache-policy', 'lru', '--format', 'msr', '--columns', 'a,object'], '--columns is for --format csv only'],
  [['--cache-policy', 'lru', '--columns', 'a,b'], 'the columns "a,b" names neither an object nor an offset'],
])('does %j say what is wrong in one sentence?', async (args, message) => {
  await expect(run([trace, ...args])).rejects.toThrow(message);
});

test('are a file that is not there, an empty one and a damaged archive told apart?', async () => {
  const missing = join(folder, 'none');
  await expect(run([missing, '--cache-policy', 'lru'])).rejects.toThrow(
    `cannot read ${missing}: there is no such file`,
  );
  const empty = file('empty.csv', '');
  await expect(run([empty, '--cache-policy', 'lru'])).rejects.toThrow(`${empty} holds no requests`);
  const cut = file('cut.gz', gzipSync(CSV).subarray(0, 2000));
  await expect(run([cut, '--cache-policy', 'lru'])).rejects.toThrow(
    `cannot read ${cut}: its compressed data are damaged`,
  );
});
