/** free of procps-ng 4.0.2: what /proc/meminfo says, as a table. */
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import { keyedNumbers, numberOf } from '../proc-text.ts';

const OPTIONS = {
  bytes: { short: 'b', long: 'bytes' },
  kilo: { long: 'kilo' },
  mega: { long: 'mega' },
  giga: { long: 'giga' },
  kibi: { short: 'k', long: 'kibi' },
  mebi: { short: 'm', long: 'mebi' },
  gibi: { short: 'g', long: 'gibi' },
  human: { short: 'h', long: 'human' },
  si: { long: 'si' },
  lohi: { short: 'l', long: 'lohi' },
  total: { short: 't', long: 'total' },
  committed: { short: 'v', long: 'committed' },
  seconds: { short: 's', long: 'seconds', value: 'required' },
  count: { short: 'c', long: 'count', value: 'required' },
  wide: { short: 'w', long: 'wide' },
} as const;

/** Bytes of the units that may be asked for by name. */
const UNITS = { bytes: 1, kilo: 1e3, mega: 1e6, giga: 1e9, kibi: 2 ** 10, mebi: 2 ** 20, gibi: 2 ** 30 } as const;
const SUFFIXES = ['K', 'M', 'G', 'T', 'P', 'E'];
const COLUMN = 12;

/** An amount in kB as the table shows it (scale_size in free.c). */
type Scale = (kb: number) => string;

function scaleOf(given: ReadonlyMap<string, string>): Scale {
  const si = given.has('si');
  if (given.has('human')) return (kb) => humanSize(kb * 1024, si);
  const unit = Object.entries(UNITS).findLast(([name]) => given.has(name))?.[1] ?? (si ? 1000 : 1024);
  return (kb) => String(Math.trunc((kb * 1024) / unit));
}

/** At most five characters, with a fraction as long as it fits: `1.4Gi`, `22Gi`; with powers of 1000 one less: `1.5G`. */
function humanSize(bytes: number, si: boolean): string {
  const [base, mark, width] = si ? [1000, '', 4] : [1024, 'i', 5];
  if (`${bytes}B`.length <= 4) return `${bytes}B`;
  for (const [i, suffix] of SUFFIXES.entries()) {
    const amount = bytes / base ** (i + 1);
    for (const text of [amount.toFixed(1), String(Math.trunc(amount))])
      if (`${text}${suffix}${mark}`.length <= width) return `${text}${suffix}${mark}`;
  }
  return String(bytes);
}

function table(meminfo: string, given: ReadonlyMap<string, string>): string {
  const values = keyedNumbers(meminfo);
  const kb = (key: string) => numberOf(values, key);
  const scale = scaleOf(given);
  const row = (name: string, ...amounts: number[]) =>
    `${name.padEnd(8)}${amounts.map((amount, i) => scale(amount).padStart(i === 0 ? COLUMN : COLUMN - 1)).join(' ')}\n`;
  const [total, free, available] = [kb('MemTotal'), kb('MemFree'), kb('MemAvailable')];
  const cache = kb('Cached') + kb('SReclaimable');
  const [swapTotal, swapFree] = [kb('SwapTotal'), kb('SwapFree')];
  const wide = given.has('wide');
  const caches = wide ? [kb('Buffers'), cache] : [kb('Buffers') + cache];
  const cacheHeads = wide ? '     buffers       cache' : '  buff/cache';
  const lines = [
    `               total        used        free      shared${cacheHeads}   available\n`,
    row('Mem:', total, total - available, free, kb('Shmem'), ...caches, available),
  ];
  // Without high memory all of it is low.
  if (given.has('lohi')) lines.push(row('Low:', total, total - free, free), row('High:', 0, 0, 0));
  lines.push(row('Swap:', swapTotal, swapTotal - swapFree, swapFree));
  if (given.has('total')) {
    const used = total - available + swapTotal - swapFree;
    lines.push(row('Total:', total + swapTotal, used, free + swapFree));
  }
  const [limit, committed] = [kb('CommitLimit'), kb('Committed_AS')];
  if (given.has('committed')) lines.push(row('Comm:', limit, committed, limit - committed));
  return lines.join('');
}

/** @throws UsageError in free's words */
function positive(given: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`free: ${name} argument \`${text}' is not positive number\n`);
  return value;
}

export const free: LinuxCommand = {
  name: 'free',
  path: '/usr/bin/free',
  *run({ box, args }) {
    const { given } = getopt('free', args, OPTIONS);
    const seconds = positive(given, 'seconds');
    const count = positive(given, 'count') ?? (seconds === undefined ? 1 : Number.POSITIVE_INFINITY);
    for (let i = 0; i < count; i++) {
      if (i > 0) yield { sleep: (seconds ?? 1) * 1e9 };
      yield { out: table(box.read('/proc/meminfo'), given) + (count > 1 ? '\n' : '') };
    }
    return 0;
  },
};
