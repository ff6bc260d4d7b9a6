/**
 * npm run bench:cache: requests/s of each replacement policy, read from the file, decoding included.
 *
 *   node bench/cache-policies.ts [--rounds N] [--policies P,...] [--traces zipf,loop] [--peer CACHESIM]
 *
 * Each figure is the best of N rounds (3) in CPU time, each in a process of its own. With libCacheSim's `cachesim` as the
 * peer the two run in turn, pair by pair, so that both meet the machine in the same state.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { REQUESTS, replayFile, type TraceName, traceFile } from '../scripts/cache-traces.ts';
import { POLICIES, policyNamed } from '../src/program/cache/policies/index.ts';

const TRACES: readonly TraceName[] = ['zipf', 'loop'];
const SIZES = [10_000, 100_000];
/** Names of libCacheSim, where they differ. */
const PEER_NAMES: Readonly<Record<string, string>> = { '2q': 'twoq', 's3-fifo': 's3fifo' };
/** Requests/s of libCacheSim on a quiet Zen 3 core, Zipf, by size: the bar is twice as many. */
const PUBLISHED: Readonly<Record<string, readonly [number, number]>> = {
  lru: [8.3, 6.9],
  fifo: [9.4, 7.8],
  clock: [8.2, 6.6],
  sieve: [9.6, 8.2],
  's3-fifo': [3.4, 2.9],
  arc: [7.2, 5.5],
  slru: [6.1, 4.9],
  '2q': [2.7, 2.7],
};

/** What libCacheSim has too. */
const COMPARED = POLICIES.filter((policy) => !policy.needsCalls).map((policy) => policy.name);

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    policies: { type: 'string', default: COMPARED.join(',') },
    traces: { type: 'string', default: 'zipf,loop' },
    peer: { type: 'string' },
  },
  allowPositionals: true,
});

/** One measurement, in a process of its own. @returns CPU seconds */
async function measure(path: string, name: string, size: number): Promise<number> {
  const policy = policyNamed(name);
  if (policy === undefined) throw new RangeError(`bench: there is no policy ${name}`);
  const before = process.cpuUsage();
  await replayFile(path, [policy.create(size)]);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function ours(path: string, policy: string, size: number): number {
  const args = [import.meta.filename, 'measure', path, policy, String(size)];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

/** CPU seconds of the peer's whole process, as bash's own `time` tells them. */
function peers(program: string, path: string, policy: string, size: number): number {
  const command = `TIMEFORMAT='%U %S'; time "$0" "$@" >/dev/null 2>&1`;
  const name = PEER_NAMES[policy] ?? policy;
  const args = ['-c', command, program, path, 'oracleGeneral', name, String(size), '--ignore-obj-size', '1'];
  const { stderr } = spawnSync('bash', args, { encoding: 'utf8' });
  return stderr
    .trim()
    .split(' ')
    .map(Number)
    .reduce((sum, seconds) => sum + seconds, 0);
}

function table(): void {
  const { peer } = values;
  const millions = (seconds: number): string => (REQUESTS / seconds / 1e6).toFixed(1).padStart(8);
  console.log(`trace policy      size     M/s${peer === undefined ? '     bar' : '    peer   ratio'}`);
  for (const trace of TRACES.filter((name) => values.traces.split(',').includes(name))) {
    const path = traceFile(trace);
    for (const policy of values.policies.split(',')) {
      SIZES.forEach((size, i) => {
        let [own, other] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
        for (let round = 0; round < Number(values.rounds); round++) {
          own = Math.min(own, ours(path, policy, size));
          if (peer !== undefined) other = Math.min(other, peers(peer, path, policy, size));
        }
        const bar = trace === 'zipf' ? PUBLISHED[policy]?.[i] : undefined;
        const published = bar === undefined ? '' : String((bar * 2).toFixed(1)).padStart(8);
        const compared = peer === undefined ? published : `${millions(other)}${(other / own).toFixed(2).padStart(8)}`;
        console.log(`${trace.padEnd(5)} ${policy.padEnd(8)} ${String(size).padStart(7)}${millions(own)}${compared}`);
      });
    }
  }
}

if (positionals[0] === 'measure') {
  const [, path, policy, size] = positionals;
  console.log(await measure(path, policy, Number(size)));
} else {
  table();
}
