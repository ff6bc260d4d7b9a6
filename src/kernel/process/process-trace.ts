/** The tracepoints of processes that begin, change their program, and end (include/trace/events/sched.h and task.h). */
import {
  type EventLog,
  SCHED_SCHED_PROCESS_EXEC,
  SCHED_SCHED_PROCESS_EXIT,
  SCHED_SCHED_PROCESS_FORK,
  SCHED_SCHED_SWITCH,
  TASK_TASK_NEWTASK,
} from '../tracepoints.ts';
import type { Process, Task } from './process.ts';

const CLONE_VM = 0x100;
const SIGCHLD = 17;
/** The priority that ps shows for a task with nice 0 (MAX_RT_PRIO + 20). */
const DEFAULT_PRIO = 120;
/** EXIT_ZOMBIE. */
const TASK_ZOMBIE = 0x20;

export function traceFork(trace: EventLog, parent: Task, child: Process, sharesMemory: boolean): void {
  if (!trace.on) return;
  const comm = trace.intern(child.comm);
  const flags = SIGCHLD | (sharesMemory ? CLONE_VM : 0);
  trace.emit(TASK_TASK_NEWTASK, parent.tid, child.pid, comm, flags, child.oomScoreAdj);
  trace.emit(SCHED_SCHED_PROCESS_FORK, parent.tid, trace.intern(parent.process.comm), parent.tid, comm, child.pid);
}

/** @param path the program that runs from now on */
export function traceExec(trace: EventLog, process: Process, path: string): void {
  if (trace.on) trace.emit(SCHED_SCHED_PROCESS_EXEC, process.pid, trace.intern(path), process.pid, process.pid);
}

/** One event for each thread; the last one takes the thread group with it. */
export function traceExit(trace: EventLog, process: Process): void {
  if (!trace.on) return;
  const comm = trace.intern(process.comm);
  const last = process.tasks.length - 1;
  process.tasks.forEach((task, i) => {
    trace.emit(SCHED_SCHED_PROCESS_EXIT, task.tid, comm, task.tid, DEFAULT_PRIO, i === last ? 1 : 0);
  });
}

/** @param before what the CPU ran, undefined when it was idle; a task that has ended is gone for good (state Z, 0x20) */
export function traceSwitch(trace: EventLog, before: Task | undefined, next: Task): void {
  const idle = before === undefined ? 'swapper' : before.process.comm;
  const state = before?.process.ending === undefined ? 0 : TASK_ZOMBIE;
  const comms = [trace.intern(idle), trace.intern(next.process.comm)] as const;
  trace.emit(SCHED_SCHED_SWITCH, before?.tid ?? 0, comms[0], before?.tid ?? 0, state, comms[1], next.tid, DEFAULT_PRIO);
}
