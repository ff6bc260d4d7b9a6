import { PAGE_SIZE } from '../../hardware/units.ts';
import type { SwapArea } from '../swap/swap-area.ts';

const NAME_COLUMNS = 40;
const PAGE_KB = PAGE_SIZE / 1024;
const HEADER = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';

/** What a line of /proc/swaps reads of an area. */
export interface SwapLine extends Pick<SwapArea, 'path' | 'usable' | 'used' | 'priority'> {
  readonly device: Pick<SwapArea['device'], 'kind'>;
}

/** A number in kB and the tabs behind it: two, when the number is short. */
const amount = (pages: number): string => `${pages * PAGE_KB}\t${pages * PAGE_KB < 10_000_000 ? '\t' : ''}`;

/** /proc/swaps: a line for each area in the order of their numbers (swap_show in mm/swapfile.c). */
export function swapsText(areas: readonly SwapLine[]): string {
  const lines = areas.map(({ path, device, usable, used, priority }) => {
    const name = path.length < NAME_COLUMNS ? path.padEnd(NAME_COLUMNS) : `${path} `;
    const kind = device.kind === 'file' ? 'file\t' : device.kind;
    return `${name}${kind}\t${amount(usable)}${amount(used)}${priority}\n`;
  });
  return HEADER + lines.join('');
}
