import { ORDERS, type Zone } from '../frames/zone.ts';
import * as items from '../vmstat.ts';
import { countFrames } from './frame-counts.ts';
import type { SystemSource } from './meminfo.ts';
import { freeInBlocks, stateItems, type VmstatSource, vmstatOf } from './vmstat-text.ts';

/** The kernel lists all five kinds of zone, those without memory too (enum zone_type). */
const ZONE_TYPES = ['DMA', 'DMA32', 'Normal', 'Movable', 'Device'] as const;
const NAME_WIDTH = 12;

/** `nr_mlock     0`: names of up to 12 letters in 12 columns. */
const item = (name: string, value: number): string => `      ${name.padEnd(NAME_WIDTH)} ${value}`;

const nameOf = (index: number): string => items.VMSTAT_NAMES[index] as string;

/** /proc/buddyinfo: free blocks of order 0 to 10 of each zone (frag_show in mm/vmstat.c). */
export function buddyinfoText({ allocator }: SystemSource): string {
  return allocator.zones
    .map((zone) => {
      const blocks = Array.from({ length: ORDERS }, (_, order) => `${String(zone.blocksOfOrder(order)).padStart(6)} `);
      return `Node 0, zone ${zone.name.padStart(8)} ${blocks.join('')}\n`;
    })
    .join('');
}

/** The states of the whole node, as its first zone shows them. */
function nodeLines(source: VmstatSource): string[] {
  const values = vmstatOf(source);
  const lines = ['  per-node stats'];
  for (let i = items.NR_INACTIVE_ANON; i < items.NR_DIRTY_THRESHOLD; i++)
    lines.push(item(nameOf(i), values[i] as number));
  return lines;
}

const watermarkLines = (
  zone: Pick<Zone, 'free' | 'min' | 'low' | 'high' | 'promo' | 'present' | 'managed'>,
  protection: number[],
) => [
  `  pages free     ${zone.free}`,
  '        boost    0',
  `        min      ${zone.min}`,
  `        low      ${zone.low}`,
  `        high     ${zone.high}`,
  `        promo    ${zone.promo}`,
  `        spanned  ${zone.present}`,
  `        present  ${zone.present}`,
  `        managed  ${zone.managed}`,
  '        cma      0',
  `        protection: (${protection.join(', ')})`,
];

/** Reserves against requests for each of the five zone types; beyond the last zone they stay what they were there. */
function protectionOf(zone: Zone): number[] {
  const reserves = Array.from(zone.lowmemReserve);
  return ZONE_TYPES.map((_, i) => reserves[Math.min(i, reserves.length - 1)] ?? 0);
}

/** The states of one zone. The kernel's per-CPU lists of free pages do not exist here, so `pagesets` is left out. */
function zoneLines({ table }: SystemSource, zone: Zone): string[] {
  const values = new Map<number, number>(stateItems(countFrames(table, zone.start, zone.end)));
  values.set(items.NR_FREE_PAGES, zone.free);
  values.set(items.NR_FREE_PAGES_BLOCKS, freeInBlocks(zone));
  const lines: string[] = [];
  for (let i = items.NR_FREE_PAGES; i < items.NR_INACTIVE_ANON; i++) lines.push(item(nameOf(i), values.get(i) ?? 0));
  return [...lines, '  node_unreclaimable:  0', `  start_pfn:           ${Math.max(1, zone.start)}`];
}

/** /proc/zoneinfo (zoneinfo_show_print in mm/vmstat.c). */
export function zoneinfoText(source: VmstatSource): string {
  const lines: string[] = [];
  const { zones } = source.allocator;
  zones.forEach((zone, i) => {
    lines.push(`Node 0, zone ${zone.name.padStart(8)}`);
    if (i === 0) lines.push(...nodeLines(source));
    lines.push(...watermarkLines(zone, protectionOf(zone)), ...zoneLines(source, zone));
  });
  for (const name of ZONE_TYPES.slice(zones.length)) {
    const none = { free: 0, min: 0, low: 0, high: 0, promo: 0, present: 0, managed: 0 };
    lines.push(
      `Node 0, zone ${name.padStart(8)}`,
      ...watermarkLines(
        none,
        ZONE_TYPES.map(() => 0),
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}
