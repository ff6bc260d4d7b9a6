import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mixedTrace } from '../program/cache/testing/traces.ts';
import { command } from './replay.ts';
import { run } from './replay-trace.ts';

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
  await expect(async () => command.run([trace, '--cache-policy', 'linux'])).rejects.toThrow('the policy linux');
  expect(command.usage).toContain('--cache-policy P,...   lru, fifo, clock,');
});

test('do damaged lines end it, or count?', async () => {
  const path = file('bad.csv', 'time,object\n1,2\n1\n2,2\n');
  await expect(run([path, '--cache-policy', 'lru'])).rejects.toThrow(`${path}: line 3: "1" has not 2 fields`);
  const text = await output(path, '--cache-policy', 'lru', '--skip-bad-lines');
  expect(text).toContain('2 requests of 1 objects');
  expect(text).toContain('damaged and passed over: 1\n');
});

test.each([
  [['--cache-policy', 'linux'], "the policy linux, the machine's own page cache, replays no traces yet"],
  [['--cache-policy', 'luru'], 'unknown cache policy "luru"; did you mean "lru"?'],
  [['--cache-policy', 'lru', '--cache-size', '0'], '"0" is no cache size'],
  [['--cache-policy', 'lru', '--cache-size', '200%'], '"200%" is no cache size'],
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
