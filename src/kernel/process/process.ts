import type { Mm } from '../address-space/mm.ts';
import {
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_CORE,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_RTPRIO,
  RLIMIT_STACK,
} from '../uapi.ts';
import type { FileTable } from './file-table.ts';

/** Soft and hard resource limits, by RLIMIT_*; RLIM_INFINITY is none. */
export interface Rlimits {
  readonly soft: Float64Array;
  readonly hard: Float64Array;
}

/**
 * The limits a login shell has (INIT_RLIMITS in include/asm-generic/resource.h): 8 MiB of stack, 8 MiB of locked memory, no
 * core files, 800 kB of message queues, no better priority; nothing else that concerns memory.
 */
export function defaultRlimits(): Rlimits {
  const soft = new Float64Array(RLIM_NLIMITS).fill(RLIM_INFINITY);
  const hard = new Float64Array(RLIM_NLIMITS).fill(RLIM_INFINITY);
  soft[RLIMIT_STACK] = 8 << 20;
  soft[RLIMIT_MEMLOCK] = 8 << 20;
  hard[RLIMIT_MEMLOCK] = 8 << 20;
  soft[RLIMIT_NOFILE] = 1024;
  hard[RLIMIT_NOFILE] = 1 << 20;
  soft[RLIMIT_CORE] = 0;
  for (const limits of [soft, hard]) {
    limits[RLIMIT_MSGQUEUE] = 819_200;
    limits[RLIMIT_NICE] = 0;
    limits[RLIMIT_RTPRIO] = 0;
  }
  return { soft, hard };
}

/** Who a process runs as. Root has every capability that concerns memory, others have none. */
export interface Credentials {
  uid: number;
  /** CAP_SYS_ADMIN: the admin reserve of overcommit. */
  sysAdmin: boolean;
  /** CAP_IPC_LOCK: no RLIMIT_MEMLOCK. */
  ipcLock: boolean;
  /** CAP_SYS_RAWIO: may map below mmap_min_addr. */
  sysRawio: boolean;
  /** CAP_SYS_RESOURCE: may raise hard limits and lower oom_score_adj. */
  sysResource: boolean;
}

export const rootCredentials = (): Credentials => ({
  uid: 0,
  sysAdmin: true,
  ipcLock: true,
  sysRawio: true,
  sysResource: true,
});

/** How a process ended: exit(2) with a code, or a signal. */
export type Ending = { readonly exit: number } | { readonly signal: number };

/** The first four numbers of /proc/PID/io. */
export interface CallCounts {
  readChars: number;
  writtenChars: number;
  reads: number;
  writes: number;
}

/** When a process was made, since boot, and what it has used of the processors, in nanoseconds. */
export interface ProcessTimes {
  started: number;
  user: number;
  system: number;
}

/** A process (a thread group: signal_struct and what its tasks share). */
export class Process {
  readonly pid: number;
  readonly parent: Process | undefined;
  comm: string;
  mm: Mm;
  files: FileTable;
  readonly rlimits: Rlimits;
  readonly credentials: Credentials;
  readonly tasks: Task[] = [];
  /** Of the tasks that have ended; the living ones hold their own. */
  endedMinFlt = 0;
  endedMajFlt = 0;
  /** Number of the cgroup that pays for the kernel's own memory of this process. */
  payer = 0;
  /** Block input and output in bytes (ru_inblock and ru_oublock are these / 512). */
  readBytes = 0;
  writtenBytes = 0;
  /** Bytes that were to be written but for truncation (cancelled_write_bytes). */
  cancelledBytes = 0;
  /** What read(2), write(2) and their like moved, and how often they were called, cached or not. */
  readonly calls: CallCounts = { readChars: 0, writtenChars: 0, reads: 0, writes: 0 };
  /** Booked by who runs it; nothing in the kernel reads it but /proc. */
  readonly times: ProcessTimes = { started: 0, user: 0, system: 0 };
  oomScoreAdj = 0;
  /** The least value that somebody with CAP_SYS_RESOURCE has set. */
  oomScoreAdjMin = 0;
  ending: Ending | undefined;
  /** It sleeps where no signal reaches it (TASK_UNINTERRUPTIBLE): one that would end it waits until it wakes. */
  uninterruptible = false;
  pendingEnding: Ending | undefined;
  /** The OOM killer has chosen it (tsk_is_oom_victim), and when its memory is to be reaped, in ns since boot. */
  oomVictim = false;
  reapAt = 0;

  constructor(init: {
    pid: number;
    parent?: Process | undefined;
    comm: string;
    mm: Mm;
    files: FileTable;
    rlimits: Rlimits;
    credentials: Credentials;
  }) {
    this.pid = init.pid;
    this.parent = init.parent;
    this.comm = init.comm;
    this.mm = init.mm;
    this.files = init.files;
    this.rlimits = init.rlimits;
    this.credentials = init.credentials;
  }

  get minFlt(): number {
    return this.tasks.reduce((sum, task) => sum + task.minFlt, this.endedMinFlt);
  }

  get majFlt(): number {
    return this.tasks.reduce((sum, task) => sum + task.majFlt, this.endedMajFlt);
  }
}

/** 128 KiB, as every new task has it (copy_process). */
const FIRST_DIRTY_POLL = 32;

/** A thread (task_struct): what runs on a CPU, and what faults are charged to. */
export class Task {
  readonly tid: number;
  readonly process: Process;
  minFlt = 0;
  majFlt = 0;
  /** Pages that it made dirty since it was last held up, after how many it asks again, and when that was. */
  nrDirtied = 0;
  nrDirtiedPause = FIRST_DIRTY_POLL;
  dirtyPausedWhen = 0;
  /** Number of the group without room that its last fault could not be served for; 0 for none (memcg_in_oom). */
  memcgInOom = 0;
  /** Pages that it has charged above memory.high and was not held up for yet (memcg_nr_pages_over_high). */
  memcgNrPagesOverHigh = 0;

  constructor(tid: number, process: Process) {
    this.tid = tid;
    this.process = process;
  }

  get mm(): Mm {
    return this.process.mm;
  }
}
