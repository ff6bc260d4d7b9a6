/** The text of vmscan's tracepoints (include/trace/events/vmscan.h). */
import * as events from './events.ts';
import { gfpText } from './gfp-text.ts';

const LISTS = ['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'];
/** Bits of reclaim_flags and of the reasons for which somebody is held up. */
const FLAGS: readonly [bit: number, name: string][] = [
  [0x1, 'RECLAIM_WB_ANON'],
  [0x2, 'RECLAIM_WB_FILE'],
  [0x10, 'RECLAIM_WB_MIXED'],
  [0x4, 'RECLAIM_WB_SYNC'],
  [0x8, 'RECLAIM_WB_ASYNC'],
];
const REASONS: readonly [bit: number, name: string][] = [
  [1, 'VMSCAN_THROTTLE_WRITEBACK'],
  [2, 'VMSCAN_THROTTLE_ISOLATED'],
  [4, 'VMSCAN_THROTTLE_NOPROGRESS'],
  [8, 'VMSCAN_THROTTLE_CONGESTED'],
];

const names = (table: readonly [number, string][], bits: number, none: string): string =>
  table
    .filter(([bit]) => bits & bit)
    .map(([, name]) => name)
    .join('|') || none;

type Printer = (args: readonly number[]) => string;

const begin: Printer = ([order, gfp]) => `order=${order} gfp_flags=${gfpText(gfp as number)}`;
const end: Printer = ([freed]) => `nr_reclaimed=${freed}`;

export const VMSCAN_PRINTERS: readonly [point: number, printer: Printer][] = [
  [
    events.VMSCAN_MM_VMSCAN_WAKEUP_KSWAPD,
    ([nid, , order, gfp]) => `nid=${nid} order=${order} gfp_flags=${gfpText(gfp as number)}`,
  ],
  [events.VMSCAN_MM_VMSCAN_KSWAPD_WAKE, ([nid, , order]) => `nid=${nid} order=${order}`],
  [events.VMSCAN_MM_VMSCAN_DIRECT_RECLAIM_BEGIN, begin],
  [events.VMSCAN_MM_VMSCAN_MEMCG_RECLAIM_BEGIN, begin],
  [events.VMSCAN_MM_VMSCAN_DIRECT_RECLAIM_END, end],
  [events.VMSCAN_MM_VMSCAN_MEMCG_RECLAIM_END, end],
  [
    events.VMSCAN_MM_VMSCAN_LRU_ISOLATE,
    ([zone, requested, scanned, skipped, taken, lru]) =>
      `classzone=${zone} order=0 nr_requested=${requested} nr_scanned=${scanned} nr_skipped=${skipped} nr_taken=${taken} ` +
      `lru=${LISTS[lru as number]}`,
  ],
  [
    events.VMSCAN_MM_VMSCAN_LRU_SHRINK_ACTIVE,
    ([taken, active, deactivated, referenced, priority, flags]) =>
      `nid=0 nr_taken=${taken} nr_active=${active} nr_deactivated=${deactivated} nr_referenced=${referenced} ` +
      `priority=${priority} flags=${names(FLAGS, flags as number, 'RECLAIM_WB_NONE')}`,
  ],
  [
    events.VMSCAN_MM_VMSCAN_WRITE_FOLIO,
    ([frame, flags]) =>
      `pfn=0x${(frame as number).toString(16)} flags=${names(FLAGS, flags as number, 'RECLAIM_WB_NONE')}`,
  ],
  [
    events.VMSCAN_MM_VMSCAN_THROTTLED,
    ([nid, timeout, delayed, reason]) =>
      `nid=${nid} usec_timeout=${timeout} usect_delayed=${delayed} ` +
      `reason=${names(REASONS, reason as number, 'VMSCAN_THROTTLE_NONE')}`,
  ],
];
