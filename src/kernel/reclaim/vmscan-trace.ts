/** The tracepoints of reclaim (include/trace/events/vmscan.h): node 0 is the only one, and all requests are for one page. */
import type { EventLog } from '../tracepoints.ts';
import * as events from '../tracepoints.ts';
import { isFileList } from './balance.ts';
import type { ScanControl } from './scan-control.ts';

/** What user pages are asked for with (GFP_HIGHUSER_MOVABLE). */
const GFP_USER_PAGE = 0x100cca;
const RECLAIM_WB_ANON = 0x1;
const RECLAIM_WB_FILE = 0x2;
const RECLAIM_WB_ASYNC = 0x8;

const wbFlags = (isFile: boolean): number => (isFile ? RECLAIM_WB_FILE : RECLAIM_WB_ANON) | RECLAIM_WB_ASYNC;

/** A task's own reclaim, or a group's, begins; `nr_reclaimed` ends it. */
export function traceBegin(trace: EventLog, { target }: ScanControl): void {
  if (!trace.on) return;
  const point =
    target === undefined ? events.VMSCAN_MM_VMSCAN_DIRECT_RECLAIM_BEGIN : events.VMSCAN_MM_VMSCAN_MEMCG_RECLAIM_BEGIN;
  trace.emit(point, trace.pid, 0, GFP_USER_PAGE);
}

export function traceEnd(trace: EventLog, { target, nrReclaimed }: ScanControl): void {
  if (!trace.on) return;
  const point =
    target === undefined ? events.VMSCAN_MM_VMSCAN_DIRECT_RECLAIM_END : events.VMSCAN_MM_VMSCAN_MEMCG_RECLAIM_END;
  trace.emit(point, trace.pid, nrReclaimed);
}

/** @param zone index of the highest zone that pages may come from */
export function traceIsolate(trace: EventLog, zone: number, wanted: number, taken: number, list: number): void {
  if (trace.on) trace.emit(events.VMSCAN_MM_VMSCAN_LRU_ISOLATE, trace.pid, zone, wanted, taken, 0, taken, list);
}

/** @param met what the batch alone met */
export function traceInactive(
  trace: EventLog,
  sc: ScanControl,
  scanned: number,
  freed: number,
  met: { readonly dirty: number; readonly writeback: number; readonly refKeep: number },
): void {
  if (!trace.on) return;
  const { dirty, writeback, refKeep } = met;
  trace.emit(
    events.VMSCAN_MM_VMSCAN_LRU_SHRINK_INACTIVE,
    trace.pid,
    scanned,
    freed,
    dirty,
    writeback,
    refKeep,
    sc.priority,
  );
}

export function traceActive(
  trace: EventLog,
  sc: ScanControl,
  list: number,
  taken: number,
  deactivated: number,
  rotated: number,
): void {
  if (!trace.on) return;
  const flags = wbFlags(isFileList(list));
  const point = events.VMSCAN_MM_VMSCAN_LRU_SHRINK_ACTIVE;
  trace.emit(point, trace.pid, taken, rotated, deactivated, rotated, sc.priority, flags);
}

/** Pages that somebody named were taken (reclaim_pages). */
export function tracePages(trace: EventLog, { nrScanned, met }: ScanControl, freed: number): void {
  if (!trace.on) return;
  const { dirty, writeback, refKeep } = met;
  trace.emit(events.VMSCAN_MM_VMSCAN_RECLAIM_PAGES, trace.pid, 0, nrScanned, freed, dirty, writeback, refKeep);
}

/** A page is given to swap. */
export function traceWriteFolio(trace: EventLog, frame: number): void {
  if (trace.on) trace.emit(events.VMSCAN_MM_VMSCAN_WRITE_FOLIO, trace.pid, frame, wbFlags(false));
}

/** @param longest, slept nanoseconds; @param reason a bit */
export function traceThrottled(trace: EventLog, longest: number, slept: number, reason: number): void {
  if (!trace.on) return;
  const us = (ns: number): number => Math.round(ns / 1000);
  trace.emit(events.VMSCAN_MM_VMSCAN_THROTTLED, trace.pid, 0, us(longest), us(slept), reason);
}

/** kswapd is woken by who ran short; begins; goes to sleep. @param zone index of the highest zone */
export function traceKswapd(trace: EventLog, what: 'wakeup' | 'wake' | 'sleep', zone: number): void {
  if (!trace.on) return;
  if (what === 'wakeup') trace.emit(events.VMSCAN_MM_VMSCAN_WAKEUP_KSWAPD, trace.pid, 0, zone, 0, GFP_USER_PAGE);
  else if (what === 'wake') trace.emit(events.VMSCAN_MM_VMSCAN_KSWAPD_WAKE, KSWAPD_PID, 0, zone, 0);
  else trace.emit(events.VMSCAN_MM_VMSCAN_KSWAPD_SLEEP, KSWAPD_PID, 0);
}

/** The thread has no task of its own here; its events are nobody's. */
const KSWAPD_PID = 0;
