/**
 * npm run cache-linux: misses of the policy linux beside those of the kernel that runs here, on the same requests: reads and
 * writes of the pages of one file, by a process under the limit of a memory cgroup (scripts/native/cache-limit.c).
 * Needs gcc, root, cgroup version 1 and about 100 MB of disk; takes minutes, because the real kernel's statistics have to be
 * read all the time to be of the trace's time. In the simulation two seconds pass for 32 requests, after which these
 * statistics are added up.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheReplay } from '../src/program/cache/cache-replay.ts';
import { linux } from '../src/program/cache/policies/linux.ts';
import { RequestBuffer } from '../src/program/cache/request-buffer.ts';
import { lcg } from '../src/program/cache/testing/traces.ts';

const PAGE = 4096;
const EVERY = 32;
const NS_A_REQUEST = 2e9 / EVERY;
const WRITE = 2 ** 31;
const REQUESTS = 100_000;
/** How often the real kernel is asked: it does not give the same answer twice. */
const ROUNDS = 3;

interface Experiment {
  readonly name: string;
  readonly pages: number;
  readonly limits: readonly number[];
  readonly ahead: boolean;
  /** Page numbers, WRITE added for writes. */
  readonly requests: readonly number[];
}

const made = (seed: number, request: (random: () => number, i: number) => number): number[] => {
  const random = lcg(seed);
  return Array.from({ length: REQUESTS }, (_, i) => request(random, i));
};

const skewed = made(7, (random) => Math.floor(random() ** 4 * 20_000));

/** Runs of up to 64 pages, begun anywhere, half of them in a tenth of the file. */
function scans(): number[] {
  let [at, left] = [0, 0];
  return made(5, (random) => {
    if (left-- === 0) {
      left = Math.floor(random() * 64);
      at = Math.floor(random() * (random() < 0.5 ? 2000 : 19_900));
    }
    return at++;
  });
}

const EXPERIMENTS: readonly Experiment[] = [
  { name: 'skewed', pages: 20_000, limits: [2000, 8000], ahead: false, requests: skewed },
  {
    name: 'skewed, and a loop of 6,000',
    pages: 26_000,
    limits: [2000, 8000],
    ahead: false,
    requests: made(9, (random, i) => (random() < 0.3 ? 20_000 + (i % 6000) : Math.floor(random() ** 5 * 20_000))),
  },
  {
    name: 'moving on',
    pages: 18_000,
    limits: [1000, 3000],
    ahead: false,
    requests: made(3, (random, i) => Math.floor((i * 5) / REQUESTS) * 3000 + Math.floor(random() ** 2 * 6000)),
  },
  {
    name: 'skewed, a tenth writes',
    pages: 20_000,
    limits: [2000, 8000],
    ahead: false,
    requests: skewed.map((page, i) => (i % 10 === 0 ? page + WRITE : page)),
  },
  { name: 'scans, read ahead', pages: 20_000, limits: [2000, 8000], ahead: true, requests: scans() },
];

function simulated({ pages, ahead, requests }: Experiment, limit: number): number {
  const fileSizes = { of: () => pages * PAGE };
  const replay = new CacheReplay([linux.create(limit, { fileSizes, ...(ahead ? {} : { readAheadPages: 0 }) })]);
  const buffer = new RequestBuffer((batch) => replay.serve(batch), true);
  requests.forEach((request, i) => {
    const page = request % WRITE;
    buffer.setTime(i * NS_A_REQUEST);
    buffer.addCall(0, page * PAGE, PAGE, request >= WRITE);
    buffer.addBlock(0, page);
  });
  buffer.flush();
  return replay.results()[0].misses;
}

function real(program: string, folder: string, { pages, ahead, requests }: Experiment, limit: number): number {
  const list = join(folder, 'requests');
  writeFileSync(list, Uint32Array.from(requests));
  const more = ahead ? [String(EVERY), 'ahead'] : [String(EVERY)];
  const args = [join(folder, 'file'), String(pages), String(limit), list, ...more];
  return JSON.parse(execFileSync(program, args, { encoding: 'utf8' })).misses;
}

const folder = mkdtempSync(join(tmpdir(), 'cache-linux-'));
try {
  const program = join(folder, 'cache-limit');
  execFileSync('gcc', ['-O2', '-o', program, join(import.meta.dirname, 'native', 'cache-limit.c')]);
  console.log(`${'trace'.padEnd(28)}  limit  simulated  real kernel`);
  for (const experiment of EXPERIMENTS) {
    for (const limit of experiment.limits) {
      const ratio = (misses: number): string => (misses / experiment.requests.length).toFixed(4);
      const own = ratio(simulated(experiment, limit));
      const theirs = Array.from({ length: ROUNDS }, () => real(program, folder, experiment, limit)).map(ratio);
      console.log(`${experiment.name.padEnd(28)} ${String(limit).padStart(6)}     ${own}  ${theirs.sort().join('  ')}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
