/**
 * node bench/cache-memory.ts [REQUESTS...] [--policies P,...]: what a replay of a trace from standard input needs at most,
 * for traces of different lengths (1 M, 10 M, 100 M requests) over one and the same million of objects.
 *
 * A trace begins with every object once and goes on with a skewed choice of them; it is made while it is read, as records
 * of oracleGeneral.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { XorShift } from '../src/program/recording/xor-shift.ts';

const OBJECTS = 1_000_000;
const RECORD = 24;
const CHUNK = 1 << 14;

const { values, positionals } = parseArgs({
  options: {
    policies: { type: 'string', default: 'lru,arc,s3-fifo,sieve' },
    size: { type: 'string', default: '100k' },
  },
  allowPositionals: true,
});

/** Chunks of records, as fast as somebody takes them. */
function* records(requests: number): Generator<Buffer> {
  const random = new XorShift(1);
  for (let first = 0; first < requests; first += CHUNK) {
    const count = Math.min(CHUNK, requests - first);
    const chunk = Buffer.alloc(count * RECORD);
    for (let i = 0; i < count; i++) {
      const at = first + i;
      const object = at < OBJECTS ? at : Math.floor((random.next() / 2 ** 32) ** 4 * OBJECTS);
      chunk.writeUInt32LE(Math.floor(at / 1e5), i * RECORD);
      chunk.writeUInt32LE(object, i * RECORD + 4);
      chunk.writeUInt32LE(4096, i * RECORD + 12);
      // Nobody knows when it is asked for next.
      chunk.writeInt32LE(-1, i * RECORD + 16);
      chunk.writeInt32LE(-1, i * RECORD + 20);
    }
    yield chunk;
  }
}

/** @returns the child's largest resident set in KiB, and its CPU seconds */
async function measure(requests: number): Promise<{ maxRss: number; seconds: number }> {
  const child = spawn(
    process.execPath,
    [import.meta.filename, 'replay', '--policies', values.policies, '--size', values.size],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  for (const chunk of records(requests)) if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  child.stdin.end();
  await once(child, 'close');
  return JSON.parse(output.slice(output.lastIndexOf('\n{') + 1));
}

if (positionals[0] === 'replay') {
  const { run } = await import('../src/cli/replay-trace.ts');
  await run(['-', '--cache-policy', values.policies, '--cache-size', values.size]);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  console.log(JSON.stringify({ maxRss: maxRSS, seconds: (userCPUTime + systemCPUTime) / 1e6 }));
} else {
  console.log(`${values.policies} with ${values.size} objects\n   requests   peak RSS MB   CPU s`);
  for (const requests of positionals.length > 0 ? positionals.map(Number) : [1e6, 1e7, 1e8]) {
    const { maxRss, seconds } = await measure(requests);
    console.log(
      `${String(requests).padStart(11)}${(maxRss / 1024).toFixed(0).padStart(14)}${seconds.toFixed(1).padStart(8)}`,
    );
  }
}
