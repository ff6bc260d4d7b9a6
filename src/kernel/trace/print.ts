import { TRACEPOINTS, type Tracepoint } from '../tracepoints.ts';
import * as events from './events.ts';
import { gfpText } from './gfp-text.ts';
import { VMSCAN_PRINTERS } from './print-vmscan.ts';

const RSS_MEMBERS = ['MM_FILEPAGES', 'MM_ANONPAGES', 'MM_SWAPENTS', 'MM_SHMEMPAGES'];
const FLUSH_REASONS = ['flush on task switch', 'remote shootdown', 'local shootdown', 'local MM shootdown'];
const PAGE = 4096;
/** Of every task here (MAX_RT_PRIO + 20). */
const PRIO = 120;

const hex = (value: number): string => value.toString(16);
const dev = (number: number): string => `${Math.floor(number / (1 << 20))}:${number % (1 << 20)}`;
const range = (first: number, last: number): string => `${first * PAGE}-${(last + 1) * PAGE - 1}`;

type Arguments = readonly number[];
type Printer = (args: Arguments, text: (id: number) => string) => string;

const cached: Printer = ([pfn, ino, index, device, order]) =>
  `dev ${dev(device as number)} ino ${hex(ino as number)} pfn=0x${hex(pfn as number)} ofs=${(index as number) * PAGE} order=${order}`;

const window: Printer = ([ino, device, index, size, asyncSize, request]) =>
  `dev=${dev(device as number)} ino=${hex(ino as number)} index=${index} req_count=${request} size=${size} async_size=${asyncSize}`;

const fault: Printer = ([address, ip, code]) =>
  `address=0x${hex(address as number)} ip=0x${hex(ip as number)} error_code=0x${hex(code as number)}`;

/** enum zone_type. */
const ZONES = ['DMA', 'DMA32', 'Normal'];

/** enum wb_reason. */
const WB_REASONS = [
  'background',
  'vmscan',
  'sync',
  'periodic',
  'laptop_timer',
  'fs_free_space',
  'forker_thread',
  'foreign_flush',
];

/** Pages of a work without end, which begins with LONG_MAX: -1 less what was taken. */
const pagesLeft = (pages: number): string => (pages >= 0 ? `${pages}` : `9223372036${854_775_808 + pages}`);

const writebackWork: Printer = ([name, pages, mode, kupdate, background, reason], text) =>
  `bdi ${text(name as number)}: nr_pages=${pagesLeft(pages as number)} sync_mode=${mode} kupdate=${kupdate} background=${background} ` +
  `reason=${WB_REASONS[reason as number]}`;

/** The events whose text is not simply `field=value`: TP_printk of include/trace/events. */
const PRINTERS: ReadonlyMap<number, Printer> = new Map<number, Printer>([
  [events.EXCEPTIONS_PAGE_FAULT_USER, fault],
  [events.EXCEPTIONS_PAGE_FAULT_KERNEL, fault],
  [
    events.KMEM_MM_PAGE_ALLOC,
    ([pfn, order, gfp, type]) =>
      `pfn=0x${hex(pfn as number)} order=${order} migratetype=${type} gfp_flags=${gfpText(gfp as number)}`,
  ],
  [events.KMEM_MM_PAGE_FREE, ([pfn, order]) => `pfn=0x${hex(pfn as number)} order=${order}`],
  [
    events.KMEM_RSS_STAT,
    ([mm, curr, member, size]) => `mm_id=${mm} curr=${curr} type=${RSS_MEMBERS[member as number]} size=${size}B`,
  ],
  [
    events.FILEMAP_MM_FILEMAP_FAULT,
    ([ino, device, index]) => `dev=${dev(device as number)} ino=${hex(ino as number)} ofs=${(index as number) * PAGE}`,
  ],
  [
    events.FILEMAP_MM_FILEMAP_MAP_PAGES,
    ([ino, device, index, last]) =>
      `dev=${dev(device as number)} ino=${hex(ino as number)} ofs=${range(index as number, last as number)}`,
  ],
  [
    events.FILEMAP_MM_FILEMAP_GET_PAGES,
    ([ino, device, index, last]) =>
      `dev=${dev(device as number)} ino=${hex(ino as number)} ofs=${range(index as number, last as number)}`,
  ],
  [events.FILEMAP_MM_FILEMAP_ADD_TO_PAGE_CACHE, cached],
  [events.FILEMAP_MM_FILEMAP_DELETE_FROM_PAGE_CACHE, cached],
  [
    events.READAHEAD_PAGE_CACHE_RA_UNBOUNDED,
    ([ino, device, index, count, lookahead]) =>
      `dev=${dev(device as number)} ino=${hex(ino as number)} index=${index} nr_to_read=${count} lookahead_size=${lookahead}`,
  ],
  [
    events.READAHEAD_PAGE_CACHE_RA_ORDER,
    ([ino, device, index, order, size, asyncSize]) =>
      `dev=${dev(device as number)} ino=${hex(ino as number)} index=${index} order=${order} size=${size} async_size=${asyncSize}`,
  ],
  [events.READAHEAD_PAGE_CACHE_SYNC_RA, window],
  [events.READAHEAD_PAGE_CACHE_ASYNC_RA, window],
  [events.TLB_TLB_FLUSH, ([reason, pages]) => `pages:${pages} reason:${FLUSH_REASONS[reason as number]} (${reason})`],
  [
    events.SCHED_SCHED_PROCESS_FORK,
    ([parent, pid, child, childPid], text) =>
      `comm=${text(parent as number)} pid=${pid} child_comm=${text(child as number)} child_pid=${childPid}`,
  ],
  [
    events.SCHED_SCHED_PROCESS_EXIT,
    ([comm, pid, prio, dead], text) =>
      `comm=${text(comm as number)} pid=${pid} prio=${prio} group_dead=${dead ? 'true' : 'false'}`,
  ],
  [
    events.SCHED_SCHED_SWITCH,
    ([prev, prevPid, state, next, nextPid, prio], text) =>
      `prev_comm=${text(prev as number)} prev_pid=${prevPid} prev_prio=${PRIO} prev_state=${state ? 'Z' : 'R'} ==> ` +
      `next_comm=${text(next as number)} next_pid=${nextPid} next_prio=${prio}`,
  ],
  [
    events.SIGNAL_SIGNAL_GENERATE,
    ([sig, errno, code, comm, pid, group], text) =>
      `sig=${sig} errno=${errno} code=${code} comm=${text(comm as number)} pid=${pid} grp=${group} res=0`,
  ],
  [
    events.WRITEBACK_WRITEBACK_DIRTY_FOLIO,
    ([name, ino, index], text) => `bdi ${text(name as number)}: ino=${ino} index=${index}`,
  ],
  [events.WRITEBACK_WRITEBACK_START, writebackWork],
  [events.WRITEBACK_WRITEBACK_WRITTEN, writebackWork],
  [
    events.WRITEBACK_WRITEBACK_QUEUE_IO,
    ([name, older, age, moved, reason], text) =>
      `bdi ${text(name as number)}: older=${older} age=${age} enqueue=${moved} reason=${WB_REASONS[reason as number]}`,
  ],
  [
    events.WRITEBACK_WRITEBACK_SINGLE_INODE,
    ([name, ino, since, index, left, wrote], text) =>
      `bdi ${text(name as number)}: ino=${ino} dirtied_when=${since} index=${index} to_write=${left} wrote=${wrote}`,
  ],
  [events.WRITEBACK_WRITEBACK_PAGES_WRITTEN, ([pages]) => `${pages}`],
  [events.WRITEBACK_WRITEBACK_WAKE_BACKGROUND, ([name], text) => `bdi ${text(name as number)}:`],
  [
    events.WRITEBACK_GLOBAL_DIRTY_STATE,
    ([dirty, background, hard, limit, dirtied, written]) =>
      `dirty=${dirty} bg_thresh=${background} thresh=${hard} limit=${limit} dirtied=${dirtied} written=${written}`,
  ],
  [
    events.WRITEBACK_BALANCE_DIRTY_PAGES,
    ([name, limit, setpoint, dirty, rate, pause], text) =>
      `bdi ${text(name as number)}: limit=${limit} setpoint=${setpoint} dirty=${dirty} task_ratelimit=${rate} pause=${pause}`,
  ],
  [
    events.OOM_RECLAIM_RETRY_ZONE,
    ([zone, reclaimable, available, mark, loops, ok]) =>
      `node=0 zone=${(ZONES[zone as number] as string).padEnd(8)} order=0 reclaimable=${reclaimable} ` +
      `available=${available} min_wmark=${mark} no_progress_loops=${loops} wmark_check=${ok}`,
  ],
  [
    events.OOM_MARK_VICTIM,
    ([pid, comm, total, anon, file, shmem], text) =>
      `pid=${pid} comm=${text(comm as number)} total-vm=${total}kB anon-rss=${anon}kB file-rss:${file}kB ` +
      `shmem-rss:${shmem}kB`,
  ],
  ...VMSCAN_PRINTERS,
]);

/**
 * One event as /sys/kernel/tracing/trace prints it behind the time, without addresses of kernel objects:
 * `rss_stat: mm_id=2 curr=1 type=MM_ANONPAGES size=4096B`, `sys_munmap(addr: 0x7ffff7ff3000, len: 0x4000)`.
 * @param text the log's strings
 */
export function printEvent(point: number, args: Arguments, text: (id: number) => string): string {
  const tracepoint = TRACEPOINTS[point] as Tracepoint;
  const { system, name, fields } = tracepoint;
  if (system === 'syscalls') return printSystemCall(tracepoint, args);
  const plain: Printer = () =>
    fields
      .map(({ name: field, type }, i) => {
        const value = args[i] as number;
        return `${field}=${type === 's' ? text(value) : type === 'x' ? hex(value) : value}`;
      })
      .join(' ');
  return `${name}: ${(PRINTERS.get(point) ?? plain)(args, text)}`;
}

/** A word of 64 bits as the register holds it; negative ones are errors or descriptors, above -4096. */
const word = (value: number): string =>
  value < 0 ? `0xfffffffffffff${hex(value + 4096).padStart(3, '0')}` : `0x${hex(value)}`;

function printSystemCall({ name, fields }: Tracepoint, args: Arguments): string {
  const call = name.replace(/^sys_(enter|exit)_/, 'sys_');
  if (name.startsWith('sys_exit_')) return `${call} -> ${word(args[0] as number)}`;
  return `${call}(${fields.map((field, i) => `${field.name}: ${word(args[i] as number)}`).join(', ')})`;
}
