/** Swap areas: the oracle's devices zram (synchronous), loop (asynchronous) and a file on the disk. */
import { ENOMEM, EPERM, errnoName } from '../../../kernel/errno.ts';
import { disk, loop, zram } from '../../../kernel/swap/swap-devices.ts';
import { machineOperation } from '../operation.ts';

const DEVICES = new Map([
  ['zram', zram],
  ['loop', loop],
  ['disk', disk],
]);
const DEFAULT_BYTES = 256 << 20;
const PAGE = 4096;

export const swapon = machineOperation(
  'swapon [file=] [size=] [prio=]',
  (words) => ({
    device: DEVICES.get(words.option('file') ?? 'disk') ?? disk,
    bytes: words.size('size') ?? DEFAULT_BYTES,
    priority: words.size('prio'),
  }),
  ({ kernel }, { device, bytes, priority }, answer) => {
    if (kernel.swapon(device, Math.floor(bytes / PAGE), { priority }) === undefined) answer.errno = errnoName(EPERM);
  },
);

export const swapoff = machineOperation(
  'swapoff',
  () => undefined,
  ({ kernel }, _none, answer) => {
    for (const area of kernel.swap.areas) if (kernel.swapoff(area) < 0) answer.errno = errnoName(ENOMEM);
  },
);

export const swaps = machineOperation(
  'swaps',
  () => undefined,
  ({ kernel }, _none, answer) => {
    const rows = kernel.swap.areas.map((area) =>
      [area.device.name, area.device.kind, area.kilobytes, area.used * (PAGE / 1024), area.priority].join('\t'),
    );
    answer.swaps = ['Filename\tType\tSize\tUsed\tPriority', ...rows, ''].join('\n');
  },
);
