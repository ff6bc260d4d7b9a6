/** Swap areas: the oracle's devices zram (synchronous), loop (asynchronous) and a file on the disk. */
import { errnoName } from '../../../kernel/errno.ts';
import { swapsText } from '../../../kernel/proc/swaps.ts';
import { disk, loop, type SwapDevice, zram } from '../../../kernel/swap/swap-devices.ts';
import { SWAP_FLAG_DISCARD, SWAP_FLAG_PREFER } from '../../../kernel/swap/swapon.ts';
import { machineOperation } from '../operation.ts';
import type { Words } from '../words.ts';

const DEVICES: ReadonlyMap<string, { path: string; device: SwapDevice }> = new Map([
  ['zram', { path: '/dev/zram0', device: zram }],
  ['loop', { path: '/dev/loop0', device: loop }],
]);
const DEFAULT_BYTES = 256 << 20;
const DEFAULT_FILE = 'swapfile';
const PAGE = 4096;

function flagsOf(words: Words): number {
  const priority = words.size('prio');
  const preferred = priority === undefined ? 0 : SWAP_FLAG_PREFER | priority;
  return preferred | (words.has('discard') ? SWAP_FLAG_DISCARD : 0);
}

export const swapon = machineOperation(
  'swapon [file=] [size=] [prio=] [discard] [ratio=]',
  (words) => {
    const file = words.option('file') ?? DEFAULT_FILE;
    const ratio = words.option('ratio');
    return {
      ...(DEVICES.get(file) ?? { path: `/${file}`, device: disk }),
      slots: Math.floor((words.size('size') ?? DEFAULT_BYTES) / PAGE),
      flags: flagsOf(words),
      compression: ratio === undefined ? undefined : words.number(ratio),
    };
  },
  ({ kernel }, request, answer) => {
    const error = kernel.swapon(request);
    if (error < 0) answer.errno = errnoName(-error);
  },
);

export const swapoff = machineOperation(
  'swapoff',
  () => undefined,
  ({ kernel }, _none, answer) => {
    for (const { path } of kernel.swap.areas) {
      const error = kernel.swapoff(path);
      if (error < 0) answer.errno = errnoName(-error);
    }
  },
);

export const swaps = machineOperation(
  'swaps',
  () => undefined,
  ({ kernel }, _none, answer) => {
    answer.swaps = swapsText(kernel.swap.areas);
  },
);
