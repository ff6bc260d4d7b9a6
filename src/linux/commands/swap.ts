/** swapon and swapoff of util-linux 2.38. */
import { ENOMEM } from '../../kernel/errno.ts';
import { textCommand, UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import { humanBytes } from '../human-bytes.ts';
import type { LinuxBox } from '../linux-box.ts';

const SWAPON_OPTIONS = {
  summary: { short: 's', long: 'summary' },
  show: { long: 'show', value: 'optional' },
  all: { short: 'a', long: 'all' },
  bytes: { long: 'bytes' },
  noHeadings: { long: 'noheadings' },
} as const;
const SWAPOFF_OPTIONS = { all: { short: 'a', long: 'all' }, verbose: { short: 'v', long: 'verbose' } } as const;

const PAGE = 4096;

/** `swapon --show`: a table as wide as its cells. */
function show(box: LinuxBox, bytes: boolean, headings: boolean): string {
  const amount = (pages: number) => (bytes ? String(pages * PAGE) : humanBytes(pages * PAGE));
  const rows = box.machine.kernel.swap.areas.map(({ path, device, usable, used, priority }) => [
    path,
    device.kind,
    amount(usable),
    amount(used),
    String(priority),
  ]);
  if (rows.length === 0) return '';
  const table = headings ? [['NAME', 'TYPE', 'SIZE', 'USED', 'PRIO'], ...rows] : rows;
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...table.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    `${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join(' ')}\n`;
  return table.map(line).join('');
}

export const swapon = textCommand('swapon', '/usr/sbin/swapon', ({ box, args }) => {
  const { given, operands } = getopt('swapon', args, SWAPON_OPTIONS);
  if (given.has('summary')) return box.machine.kernel.swap.areas.length === 0 ? '' : box.read('/proc/swaps');
  const [path] = operands;
  if (path !== undefined) throw new UsageError(`swapon: cannot open ${path}: No such file or directory\n`, 255);
  // Nothing is in fstab that is not in use already.
  if (given.has('all')) return '';
  return show(box, given.has('bytes'), !given.has('noHeadings'));
});

export const swapoff = textCommand('swapoff', '/usr/sbin/swapoff', ({ box, args }) => {
  const { given, operands } = getopt('swapoff', args, SWAPOFF_OPTIONS);
  const { kernel } = box.machine;
  if (!given.has('all') && operands.length === 0)
    throw new UsageError("swapoff: bad usage\nTry 'swapoff --help' for more information.\n", 16);
  let out = '';
  for (const { path } of kernel.swap.areas) {
    if (!given.has('all') && !operands.includes(path)) continue;
    if (given.has('verbose')) out += `swapoff ${path}\n`;
    if (kernel.swapoff(path) === -ENOMEM)
      return { out, err: `swapoff: ${path}: swapoff failed: Cannot allocate memory\n`, code: 255 };
  }
  return out;
});
