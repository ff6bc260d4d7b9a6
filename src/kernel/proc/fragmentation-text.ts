/** What the kernel tells of free blocks beyond /proc/buddyinfo: /proc/pagetypeinfo and debugfs's extfrag (mm/vmstat.c). */

import { pfn } from '../../hardware/units.ts';
import { fragmentationIndex, unusableFreeIndex } from '../frames/fragmentation.ts';
import { MIGRATE_TYPES, ORDERS, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, type Zone } from '../frames/zone.ts';
import type { SystemSource } from './meminfo.ts';

/** migratetype_names; the last two hold nothing on this machine. */
const TYPE_NAMES = ['Unmovable', 'Movable', 'Reclaimable', 'HighAtomic', 'Isolate'] as const;

const zoneName = (zone: Zone): string => zone.name.padStart(8);
const orders = Array.from({ length: ORDERS }, (_, order) => order);

/** /proc/pagetypeinfo: free blocks and pageblocks by migrate type. */
export function pagetypeinfoText({ allocator }: SystemSource): string {
  const header = `Free pages count per migrate type at order `.padEnd(43);
  const lines = [
    `Page block order: ${PAGEBLOCK_ORDER}`,
    `Pages per block:  ${PAGEBLOCK_PAGES}`,
    '',
    `${header} ${orders.map((order) => `${String(order).padStart(6)} `).join('')}`,
  ];
  for (const zone of allocator.zones)
    TYPE_NAMES.forEach((name, type) => {
      const counts = orders.map((order) => {
        const free = type < MIGRATE_TYPES ? (zone.lists.sizes[order * MIGRATE_TYPES + type] as number) : 0;
        return `${String(free).padStart(6)} `;
      });
      lines.push(`Node    0, zone ${zoneName(zone)}, type ${name.padStart(12)} ${counts.join('')}`);
    });
  lines.push('', `${'Number of blocks type '.padEnd(23)}${TYPE_NAMES.map((name) => `${name.padStart(12)} `).join('')}`);
  for (const zone of allocator.zones) {
    const counts = TYPE_NAMES.map((_, type) => `${String(pageblocksOf(zone, type)).padStart(12)} `);
    lines.push(`Node 0, zone ${zoneName(zone)} ${counts.join('')}`);
  }
  return `${lines.join('\n')}\n`;
}

function pageblocksOf(zone: Zone, type: number): number {
  let count = 0;
  for (let frame: number = zone.start; frame < zone.end; frame += PAGEBLOCK_PAGES)
    if (zone.pageblockType(pfn(frame)) === type) count++;
  return count;
}

/** `%2d.%03d` of thousandths, as the kernel prints a negative whole: -1.000. */
const thousandths = (value: number, width: number): string =>
  `${String(Math.trunc(value / 1000)).padStart(width)}.${String(Math.abs(value % 1000)).padStart(3, '0')} `;

function indexText({ allocator }: SystemSource, width: number, index: (zone: Zone, order: number) => number): string {
  return allocator.zones
    .map(
      (zone) =>
        `Node 0, zone ${zoneName(zone)} ${orders.map((order) => thousandths(index(zone, order), width)).join('')}\n`,
    )
    .join('');
}

/** /sys/kernel/debug/extfrag/extfrag_index. */
export const extfragIndexText = (source: SystemSource): string => indexText(source, 2, fragmentationIndex);
/** /sys/kernel/debug/extfrag/unusable_index. */
export const unusableIndexText = (source: SystemSource): string => indexText(source, 1, unusableFreeIndex);
