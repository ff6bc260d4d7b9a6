/** What ran out, and which lines show it. The zones are judged as the allocator does (__zone_watermark_ok). */
import type { HostMemory, OomReport, Zone } from './report.ts';
import { constraintOf, isMemcg } from './scope.ts';
import { kbText } from './units.ts';

export type RanOutKind = 'cgroup' | 'host' | 'node' | 'order' | 'lowmem' | 'cma' | 'request' | 'unknown';

export interface RanOut {
  readonly kind: RanOutKind;
  readonly what: string;
  readonly evidence: readonly string[];
}

export function ranOut(report: OomReport): RanOut {
  const { name, knownBy } = constraintOf(report);
  const known = name === undefined ? [] : [`${name}, by ${knownBy}`];
  if (report.invoker?.order === -1) {
    return { kind: 'request', what: 'nothing: somebody asked for a kill (SysRq-f)', evidence: ['order=-1', ...known] };
  }
  if (isMemcg(report)) return cgroupRanOut(report, known);
  if (name === 'CONSTRAINT_CPUSET' || name === 'CONSTRAINT_MEMORY_POLICY') {
    const nodes = name === 'CONSTRAINT_CPUSET' ? report.constraint?.memsAllowed : report.constraint?.nodemask;
    const by = name === 'CONSTRAINT_CPUSET' ? 'cpuset' : 'memory policy';
    return {
      kind: 'node',
      what: `the memory of node ${nodes ?? '?'}, the only ones that the ${by} allows`,
      evidence: known,
    };
  }
  if (report.host === undefined) {
    if (name === undefined)
      return { kind: 'unknown', what: 'the report does not say: no Mem-Info, no cgroup counters', evidence: [] };
    return { kind: 'host', what: 'memory of the whole machine, as far as this cut report tells', evidence: known };
  }
  return hostRanOut(report, report.host, known);
}

function cgroupRanOut({ cgroup, constraint }: OomReport, known: readonly string[]): RanOut {
  const evidence = [...known];
  const path = cgroup?.path;
  const memory = cgroup?.memory;
  const memsw = cgroup?.memsw;
  if (memory !== undefined) evidence.push(`memory: usage ${memory.usageKb} kB of ${limitText(memory.limitKb)}`);
  let which = 'memory limit';
  if (memsw !== undefined && Number.isFinite(memsw.limitKb) && memsw.usageKb >= memsw.limitKb - CHARGE_SLACK_KB) {
    which =
      memory !== undefined && memory.limitKb === memsw.limitKb
        ? 'memory limit, which swap is part of'
        : 'limit of memory and swap together';
    evidence.push(`memory+swap: usage ${memsw.usageKb} kB of ${limitText(memsw.limitKb)}`);
  } else if (cgroup?.kmem !== undefined && cgroup.kmem.usageKb >= cgroup.kmem.limitKb) {
    which = 'limit of kernel memory';
    evidence.push(`kmem: usage ${cgroup.kmem.usageKb} kB of ${limitText(cgroup.kmem.limitKb)}`);
  }
  const task = constraint?.taskMemcg;
  const of = path === undefined ? 'a cgroup that the report does not name' : `cgroup ${path}`;
  const inside =
    task !== undefined && path !== undefined && task !== path ? `; the victim was in ${task}, below it` : '';
  const limit = memory === undefined ? '' : ` (${limitText(memory.limitKb)})`;
  return { kind: 'cgroup', what: `the ${which} of ${of}${limit}, not the host's memory${inside}`, evidence };
}

/** A charge is 64 pages at a time, so a full counter can stand this much below its limit. */
const CHARGE_SLACK_KB = 256;

const limitText = (kb: number): string => (Number.isFinite(kb) ? kbText(kb) : 'no limit');

function hostRanOut({ invoker, pageSize }: OomReport, host: HostMemory, known: readonly string[]): RanOut {
  const evidence = [...known];
  const swap = swapText(host);
  if (swap !== undefined) evidence.push(swap);
  const order = invoker?.order ?? 0;
  const usable = host.zones.filter((zone) => reachable(zone, invoker?.gfpFlags, host.zones));
  for (const zone of usable) evidence.push(zoneText(zone));
  const free = usable.map((zone) => freeKb(zone));
  const enough = usable.some((zone, i) => (free[i] as number) > (zone.kb.get('high') ?? Number.POSITIVE_INFINITY));

  if (order > 0 && enough) {
    const kb = (pageSize / 1024) * 2 ** order;
    return {
      kind: 'order',
      what: `pieces of ${kbText(kb)} in a row (order ${order}): memory is free, but in smaller pieces`,
      evidence,
    };
  }
  const unreachable = host.zones.filter((zone) => !usable.includes(zone) && freeKb(zone) > (zone.kb.get('high') ?? 0));
  const highMem = unreachable.find(({ name }) => name === 'HighMem' || name === 'Movable' || name === 'Normal');
  if (highMem !== undefined) {
    evidence.push(`${highMem.name} has ${kbText(freeKb(highMem))} free, which this request may not use`);
    return {
      kind: 'lowmem',
      what: `low memory: this request needs ${zoneNames(usable)}, and may not use ${highMem.name}`,
      evidence,
    };
  }
  const movable = /MOVABLE/.test(invoker?.gfpFlags ?? '');
  const onlyCma = usable.some((zone) => (zone.kb.get('free') ?? 0) > (zone.kb.get('high') ?? Number.POSITIVE_INFINITY));
  if (!movable && onlyCma && !enough) {
    return { kind: 'cma', what: 'memory outside CMA: what is free is reserved for movable pages', evidence };
  }
  const and = (host.totalSwapKb ?? 0) > 0 && (host.freeSwapKb ?? 0) === 0 ? ' and swap' : '';
  return { kind: 'host', what: `the memory${and} of the whole machine`, evidence };
}

/** Whether a request with these flags may take pages of a zone (gfp_zone). Without flags every zone is taken as usable. */
function reachable({ name }: Zone, flags: string | undefined, zones: readonly Zone[]): boolean {
  if (flags === undefined) return true;
  if (/(?:^|\|)(?:__)?GFP_DMA(?:\||$)/.test(flags)) return name === 'DMA';
  if (/GFP_DMA32/.test(flags)) return name === 'DMA' || name === 'DMA32';
  if (/HIGHMEM|HIGHUSER/.test(flags) || !zones.some((zone) => zone.name === 'HighMem'))
    return name !== 'Movable' || /MOVABLE/.test(flags);
  return name !== 'HighMem' && name !== 'Movable';
}

/** Free memory without CMA's, which only movable pages may use. */
const freeKb = ({ kb }: Zone): number => Math.max(0, (kb.get('free') ?? 0) - (kb.get('free_cma') ?? 0));

function zoneText(zone: Zone): string {
  const cma = zone.kb.get('free_cma') ?? 0;
  const of = cma > 0 ? ` (and ${kbText(cma)} of CMA)` : '';
  const { node, name, kb } = zone;
  return `node ${node} ${name}: ${kbText(freeKb(zone))} free${of}, min ${kb.get('min') ?? '?'} kB, high ${kb.get('high') ?? '?'} kB`;
}

const zoneNames = (zones: readonly Zone[]): string => zones.map(({ name }) => name).join(', ');

function swapText({ totalSwapKb, freeSwapKb }: HostMemory): string | undefined {
  if (totalSwapKb === undefined) return undefined;
  if (totalSwapKb === 0) return 'there is no swap';
  return `swap: ${kbText(freeSwapKb ?? 0)} free of ${kbText(totalSwapKb)}`;
}
