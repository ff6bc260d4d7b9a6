/** The memory part of a report: Mem-Info of the machine (mm/show_mem.c) or the counters of a cgroup (mm/memcontrol.c). */
import { captureNumber, type LogLine } from './line-kinds.ts';
import type { RawReport } from './raw-report.ts';
import type { CgroupMemory, HostMemory, Usage, Zone } from './report.ts';

/** A limit from here on is none: the largest counter in pages or bytes, with the page sizes that there are. */
const UNLIMITED_KB = 2 ** 52;

/** Mem-Info, or undefined when nothing of it is there. */
export function parseHost(raw: RawReport): HostMemory | undefined {
  const kinds = ['counters', 'zone', 'pages', 'swap', 'node'] as const;
  if (!kinds.some((kind) => raw.has(kind))) return undefined;
  const counters = new Map<string, number>();
  for (const line of raw.all('counters')) readCounters(line.text, counters);
  for (const line of raw.all('pages')) {
    const match = /(\d+) (total pagecache pages|pages in swap cache|pages cma reserved)/.exec(line.text);
    if (match !== null) counters.set(match[2] as string, Number(match[1]));
  }
  const stack = sumOf(raw.all('node'), 'kernel_stack') ?? sumOf(raw.all('zone'), 'kernel_stack');
  if (stack !== undefined) counters.set('kernel_stack_kb', stack);
  return {
    counters,
    zones: raw.all('zone').map((line) => zoneOf(line, raw.all('buddy'))),
    ramPages: firstNumber(raw.all('pages'), /(\d+) pages RAM/),
    reservedPages: firstNumber(raw.all('pages'), /(\d+) pages reserved/),
    totalSwapKb: firstNumber(raw.all('swap'), /Total swap\s*=\s*(\d+)\s*kB/),
    freeSwapKb: firstNumber(raw.all('swap'), /Free swap\s*=\s*(\d+)\s*kB/),
    hugetlbKb: hugetlbKb(raw.all('hugepages')),
  };
}

/** `name:number` without a unit: pages. The first value of a name counts. */
function readCounters(text: string, into: Map<string, number>): void {
  for (const [, name, value] of text.matchAll(/([a-z_]+):(\d+)(?![\dkKmM])/g)) {
    if (!into.has(name as string)) into.set(name as string, Number(value));
  }
}

function firstNumber(lines: readonly LogLine[], pattern: RegExp): number | undefined {
  for (const line of lines) {
    const found = captureNumber(line, pattern);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The sum of `name:NkB` over lines. */
function sumOf(lines: readonly LogLine[], name: string): number | undefined {
  const pattern = new RegExp(`\\b${name}:(\\d+)kB`);
  const values = lines.map((line) => captureNumber(line, pattern)).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

const ZONE_HEAD = /(?:Node (\d+) )?(\w+) free:/;

function zoneOf({ text }: LogLine, buddies: readonly LogLine[]): Zone {
  const [, node = '0', name = ''] = ZONE_HEAD.exec(text) ?? [];
  const kb = new Map<string, number>();
  for (const [, key, value] of text.matchAll(/([\w()]+):\s?(\d+)\s?[kK]B/g)) kb.set(key as string, Number(value));
  const buddy = buddies.find((line) => {
    const head = /(?:Node (\d+) )?(\w+): \d+\*/.exec(line.text);
    return head !== null && (head[1] ?? '0') === node && head[2] === name;
  });
  const blocks = buddy === undefined ? [] : [...buddy.text.matchAll(/(\d+)\*\d+kB/g)].map(([, count]) => Number(count));
  return { node: Number(node), name, kb, blocks };
}

/** Huge pages are printed for each node and size, since 5.x once for each. */
function hugetlbKb(lines: readonly LogLine[]): number {
  let sum = 0;
  for (const { text } of lines) {
    const [, total, size] = /hugepages_total=(\d+).*hugepages_size=(\d+)kB/.exec(text) ?? [];
    sum += Number(total ?? 0) * Number(size ?? 0);
  }
  return sum;
}

/** The counters of the cgroup whose limit was hit, or undefined when none of them is there. */
export function parseCgroup(raw: RawReport, oomMemcg: string | undefined): CgroupMemory | undefined {
  const limits = raw.all('limit');
  if (limits.length === 0 && !raw.has('stats') && !raw.has('taskIn') && oomMemcg === undefined) return undefined;
  const stat = new Map<string, number>();
  for (const line of raw.all('stats')) readInlineStat(line.text, stat);
  for (const { text } of raw.all('stat')) {
    const [name, value] = text.split(' ');
    if (!stat.has(name as string)) stat.set(name as string, Number(value));
  }
  const path =
    oomMemcg ??
    raw.text('taskIn', /as a result of limit of (\S+)/) ??
    raw.text('stats', /Memory cgroup stats for (\S+?):?(?:\s|$)/);
  return {
    path,
    memory: usageOf(limits, 'memory'),
    memsw: usageOf(limits, 'memory\\+swap'),
    swap: usageOf(limits, 'swap'),
    kmem: usageOf(limits, 'kmem'),
    stat,
  };
}

/** Until 5.2 the statistics stood on one line for each group of the hierarchy, in KB: they are added up, in bytes. */
function readInlineStat(text: string, into: Map<string, number>): void {
  for (const [, name, value] of text.matchAll(/\b([a-z_]+):(\d+)KB/g)) {
    into.set(name as string, (into.get(name as string) ?? 0) + Number(value) * 1024);
  }
}

function usageOf(lines: readonly LogLine[], name: string): Usage | undefined {
  const usage = new RegExp(`(?:^|[^+\\w])${name}: usage (\\d+)\\s?kB`);
  const limit = new RegExp(`(?:^|[^+\\w])${name}: usage \\d+\\s?kB, limit.*?\\s(\\d+)\\s?kB`);
  for (const line of lines) {
    const usageKb = captureNumber(line, usage);
    if (usageKb === undefined) continue;
    const limitKb = captureNumber(line, limit) ?? Number.POSITIVE_INFINITY;
    return { usageKb, limitKb: limitKb >= UNLIMITED_KB ? Number.POSITIVE_INFINITY : limitKb };
  }
  return undefined;
}
