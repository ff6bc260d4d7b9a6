/** What the flusher tells about its work: the tracepoints writeback:* (include/trace/events/writeback.h). */
import type { EventLog } from '../tracepoints.ts';
import {
  WRITEBACK_WRITEBACK_PAGES_WRITTEN,
  WRITEBACK_WRITEBACK_QUEUE_IO,
  WRITEBACK_WRITEBACK_SINGLE_INODE,
  WRITEBACK_WRITEBACK_START,
  WRITEBACK_WRITEBACK_WAKE_BACKGROUND,
  WRITEBACK_WRITEBACK_WRITTEN,
} from '../tracepoints.ts';
import type { Bdi, Work } from './bdi.ts';

/** Why pages are written (enum wb_reason). */
export const WB_REASON_BACKGROUND = 0;
export const WB_REASON_VMSCAN = 1;
export const WB_REASON_SYNC = 2;
export const WB_REASON_PERIODIC = 3;

/** HZ=250; tracepoints tell times in these. */
const NS_PER_JIFFY = 4_000_000;
const jiffies = (ns: number): number => Math.floor(ns / NS_PER_JIFFY);

export function traceWake(trace: EventLog, bdi: Bdi): void {
  if (trace.on) trace.emit(WRITEBACK_WRITEBACK_WAKE_BACKGROUND, 0, trace.intern(bdi.name));
}

/** A round through the files begins. @param found whether there is a file that the work is about */
export function traceBegin(trace: EventLog, bdi: Bdi, work: Work, now: number, found: boolean): void {
  if (!trace.on) return;
  const { reason, dirtiedBefore } = work;
  traceWork(trace, WRITEBACK_WRITEBACK_START, bdi, work);
  const age = reason === WB_REASON_PERIODIC ? (now - dirtiedBefore) / 1e6 : 0;
  const older = jiffies(Math.min(dirtiedBefore, now));
  trace.emit(WRITEBACK_WRITEBACK_QUEUE_IO, 0, trace.intern(bdi.name), older, age, found ? 1 : 0, reason);
}

export function traceInode(trace: EventLog, bdi: Bdi, { inode, left, wrote }: Work): void {
  if (inode === undefined || !trace.on) return;
  const { ino, dirtiedWhen, writebackIndex } = inode;
  const name = trace.intern(bdi.name);
  trace.emit(WRITEBACK_WRITEBACK_SINGLE_INODE, 0, name, ino, jiffies(dirtiedWhen), writebackIndex, left + wrote, wrote);
}

/** A round is over. */
export function traceRound(trace: EventLog, bdi: Bdi, work: Work): void {
  if (trace.on) traceWork(trace, WRITEBACK_WRITEBACK_WRITTEN, bdi, work);
}

/** The work is done. */
export function traceEnd(trace: EventLog, work: Work): void {
  if (trace.on) trace.emit(WRITEBACK_WRITEBACK_PAGES_WRITTEN, 0, work.wroteAll);
}

/** What is left of LONG_MAX pages is told as what was taken from it, less than nothing; the printer knows. */
function traceWork(trace: EventLog, point: number, bdi: Bdi, { reason, asked, wroteAll }: Work): void {
  const isPeriodic = reason === WB_REASON_PERIODIC ? 1 : 0;
  const isBackground = reason === WB_REASON_BACKGROUND ? 1 : 0;
  const left = asked === Number.POSITIVE_INFINITY ? -1 - wroteAll : Math.max(0, asked - wroteAll);
  trace.emit(point, 0, trace.intern(bdi.name), left, 0, isPeriodic, isBackground, reason);
}
