/** Reads the lines of one event. Every part may be missing. */
import { capture, captureNumber, type LogLine } from './line-kinds.ts';
import { parseCgroup, parseHost } from './parse-memory.ts';
import { parseTasks } from './parse-tasks.ts';
import { killPid, type RawReport } from './raw-report.ts';
import type { ConstraintLine, Invoker, Kill, OomReport } from './report.ts';

export function parseReport(raw: RawReport): OomReport {
  const kills = killLines(raw)
    .map(parseKill)
    .filter((kill) => kill !== undefined);
  const constraint = parseConstraint(raw.first('constraint'));
  const pageSize = pageSizeOf(raw, kills);
  return {
    kernel: kernelOf(raw),
    time: raw.first('invoked')?.time ?? raw.first('killed')?.time ?? raw.first('constraint')?.time,
    invoker: parseInvoker(raw),
    constraint,
    chosen: chosenOf(raw, kills),
    kills,
    tasks: parseTasks(raw.first('header'), raw.all('row'), pageSize),
    cgroup: parseCgroup(raw, constraint?.oomMemcg),
    host: parseHost(raw),
    pageSize,
    oomGroup: raw.text('group', /Tasks in (\S+) are going to be killed/),
    memcg: [...raw.all('killed'), ...raw.all('chosen')].some(({ text }) => /Memory\s*cgroup\s*out/.test(text)),
    allocatingTask: raw.all('killed').some(({ text }) => text.includes('(oom_kill_allocating_task)')),
    noKillable: raw.has('nobody'),
    panic: raw.has('panic'),
    reaped: raw.all('reaper').flatMap((line) => captureNumber(line, /reaped process (\d+)/) ?? []),
  };
}

/** The kill lines; where only "Kill process ... or sacrifice child" was left by a grep, that one, which has no sizes. */
const killLines = (raw: RawReport): readonly LogLine[] => (raw.has('killed') ? raw.all('killed') : raw.all('chosen'));

/** `6.8.0-rc6+` of the line that names CPU and task. */
function kernelOf(raw: RawReport): string | undefined {
  const line = raw.first('cpu');
  if (line === undefined) return undefined;
  const version = capture(line, /\s(\d+\.\d+\S*)\s+#\d/) ?? capture(line, /[Tt]ainted:?.*?\s(\d+\.\d+\.\S+)/);
  return version?.trim();
}

/** The task that asked for the memory; its name is surest in the line that dump_stack prints. */
function parseInvoker(raw: RawReport): Invoker | undefined {
  const line = raw.first('invoked');
  const cpu = raw.first('cpu');
  const comm =
    cpu === undefined ? undefined : capture(cpu, /[Cc]omm: (.+?)\s+(?:Kdump: \w+\s+)?(?:Not\s+tainted|Tainted:|G\s)/);
  if (line === undefined) return undefined;
  const before = (/^(.*?)\s*invoked\s*oom-killer/.exec(line.text)?.[1] ?? '').trim();
  const name = comm !== undefined && before.endsWith(comm) ? comm : before.slice(-60).replace(/^.*:\s+/, '');
  return {
    name: name === '' ? (comm ?? '') : name,
    pid: cpu === undefined ? undefined : captureNumber(cpu, /[PpI][Ii][Dd]: (\d+),? [Cc]omm/),
    gfpMask: capture(line, /gfp_mask=(0x[0-9a-f]+)/),
    gfpFlags: capture(line, /gfp_mask=0x[0-9a-f]+\(([^)]*)\)/)?.replace(/\s/g, ''),
    order: captureNumber(line, /order=(-?\d+)/),
    oomScoreAdj: captureNumber(line, /oom_score_adj=(-?\d+)/),
  };
}

/** The line has no blanks but in the name of the task, so a wrap within it leaves nothing behind. */
function parseConstraint(line: LogLine | undefined): ConstraintLine | undefined {
  if (line === undefined) return undefined;
  const value = (pattern: RegExp): string | undefined => pattern.exec(line.tight)?.[1];
  const list = (name: string): string | undefined =>
    value(new RegExp(`\\b${name}=(.*?)(?:,[a-z_]+=|,global_oom|,?>?$)`));
  return {
    constraint: value(/constraint=\s*([A-Z_]+)/) ?? '',
    nodemask: list('nodemask'),
    memsAllowed: list('mems_allowed'),
    oomMemcg: value(/,oom_memcg=([^,>]+)/),
    taskMemcg: value(/,task_memcg=([^,>]+)/),
  };
}

function chosenOf(raw: RawReport, kills: readonly Kill[]): OomReport['chosen'] {
  const older = raw.first('chosen');
  if (older !== undefined) {
    const pid = killPid(older);
    const name = capture(older, /process\s*\d+\s*\((.*?)\)\s*score/) ?? '';
    if (pid !== undefined) return { pid, name, score: captureNumber(older, /score (\d+)/) };
  }
  const line = raw.first('constraint');
  const pid = raw.chosenPid;
  const name = /,task=(.*?),\s*pid=/.exec(line?.tight ?? '')?.[1];
  const first = kills[0];
  // The end of this line is what a terminal cuts: a pid that nobody has is the beginning of the victim's.
  if (pid !== undefined && (first === undefined || raw.rows.has(pid) || kills.some((kill) => kill.pid === pid))) {
    return { pid, name: name ?? '', score: undefined };
  }
  return first === undefined ? undefined : { pid: first.pid, name: first.name, score: undefined };
}

/** `Killed process 925 (firewalld) total-vm:298292kB, ...` and, before 3.10, `Killed process 9, UID 0, (mingetty) ...`. */
function parseKill(line: LogLine): Kill | undefined {
  const pid = killPid(line);
  if (pid === undefined) return undefined;
  const kb = (name: string): number | undefined => captureNumber(line, new RegExp(`${name}:(\\d+)\\s?kB`));
  return {
    pid,
    name:
      capture(line, /Kill(?:ed)?\s*process\s*\d+(?:,\s*UID\s*\d+,)?\s*\((.*?)\)\s*(?:,|total-vm|vsz|score|$)/) ?? '',
    uid: captureNumber(line, /UID[: ](\d+)/),
    totalVmKb: kb('total-vm'),
    anonRssKb: kb('anon-rss'),
    fileRssKb: kb('file-rss'),
    shmemRssKb: kb('shmem-rss'),
    pgtablesKb: kb('pgtables'),
    oomScoreAdj: captureNumber(line, /oom_score_adj:(-?\d+)/),
  };
}

const PAGE_SIZES = [4096, 8192, 16384, 65536];

/** The page size, from what is printed both in pages and in kB; 4096 where nothing is. */
function pageSizeOf(raw: RawReport, kills: readonly Kill[]): number {
  for (const line of raw.all('row')) {
    const [, pid, totalVm] = /\[\s*(\d+)\]\s+\d+\s+\d+\s+(\d+)/.exec(line.text) ?? [];
    const kill = kills.find((killed) => killed.pid === Number(pid));
    if (kill?.totalVmKb === undefined || Number(totalVm) === 0) continue;
    const size = (kill.totalVmKb * 1024) / Number(totalVm);
    if (PAGE_SIZES.includes(size)) return size;
  }
  const smallest = raw.text('buddy', /:\s*\d+\*(\d+)kB/);
  const size = Number(smallest) * 1024;
  return PAGE_SIZES.includes(size) ? size : 4096;
}
