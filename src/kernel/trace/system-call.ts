import type { EventLog } from './event-log.ts';
import { sysExit } from './syscalls.ts';

/** A system call begins: writes its arguments when somebody listens. */
export function traceEnter(
  trace: EventLog,
  point: number,
  tid: number,
  a?: number,
  b?: number,
  c?: number,
  d?: number,
  e?: number,
  f?: number,
): void {
  if (trace.on) trace.emit(point, tid, a, b, c, d, e, f);
}

/** It ends: writes the result and hands it on. @param point that of its beginning */
export function traceExitOf(trace: EventLog, point: number, tid: number, result: number): number {
  if (trace.on) trace.emit(sysExit(point), tid, result);
  return result;
}
