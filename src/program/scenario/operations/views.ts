/** What a person would read in /proc of a process: stat, maps, pages, faults and io. */
import { addressOf, PAGE_SIZE, pageOf } from '../../../hardware/units.ts';
import type { Vma } from '../../../kernel/address-space/vma.ts';
import { ioOf } from '../../../kernel/proc/io.ts';
import { nameOf, offsetOf, permissionsOf } from '../../../kernel/proc/maps.ts';
import { pagesOf } from '../../../kernel/proc/pagemap.ts';
import { smapsOf } from '../../../kernel/proc/smaps.ts';
import { statusOf } from '../../../kernel/proc/status.ts';
import { vmFlagsText } from '../../../kernel/proc/vma-flags-text.ts';
import { type AddressExpression, OWN_REGIONS } from '../address-expression.ts';
import type { Answer } from '../answer.ts';
import { ARENA_END, ARENA_START, BINARY_END, BINARY_START } from '../layout.ts';
import { processOperation } from '../operation.ts';
import { runs } from '../runs.ts';
import type { ScenarioProcess } from '../scenario-process.ts';
import type { Scene } from '../scene.ts';
import { hex } from '../size.ts';
import type { Words } from '../words.ts';

/** The lines of /proc/PID/status that answers show. */
const STATUS_KEYS = [
  'VmPeak',
  'VmSize',
  'VmLck',
  'VmPin',
  'VmHWM',
  'VmRSS',
  'RssAnon',
  'RssFile',
  'RssShmem',
  'VmData',
  'VmStk',
  'VmExe',
  'VmPTE',
  'VmSwap',
  'HugetlbPages',
];

/** As many mappings of a process as answers list, and as many pages of a region. */
const MOST_VMAS = 64;
const MOST_PAGES = 1 << 17;
/** With more mappings than this, or where the stack matters, answers count all of the process. */
const MANY_VMAS = 60;

/** A mapping that the oracle's processes have for the oracle's own sake. */
function isInfrastructure(vma: Vma, name: string): boolean {
  const start = addressOf(vma.start);
  if (start >= ARENA_START && start < ARENA_END) return true;
  return (start >= BINARY_START && start < BINARY_END) || name.startsWith('[v');
}

/** One mapping as answers show it. */
function vmaAnswer(process: ScenarioProcess, vma: Vma, adjacent: boolean): Answer {
  const name = nameOf(vma);
  const offset = offsetOf(vma);
  const entry: Answer = { at: process.symbol(addressOf(vma.start)), pages: vma.pages };
  if (adjacent) entry.adj = 1;
  entry.perm = permissionsOf(vma);
  if (offset > 0) entry.off = hex(offset);
  if (name !== '') entry.file = name.slice(name.lastIndexOf('/') + 1);
  return entry;
}

/** `vmas`, `nvma`, `map_count` and `own_kb`: what /proc/PID/smaps says of the scenario's own mappings. */
function putVmas(process: ScenarioProcess, answer: Answer, scene: Scene, full: boolean): void {
  const listed: Answer[] = [];
  const own: Record<string, number> = { Size: 0 };
  let count = 0;
  let total = 0;
  // A mapping at address 0 counts as adjacent to what ends there, as in the oracle.
  let previousEnd = 0;
  for (const vma of process.task.mm.vmas) {
    const name = nameOf(vma);
    const adjacent = vma.start === previousEnd;
    previousEnd = vma.end;
    total++;
    if (isInfrastructure(vma, name) || (name === '[stack]' && !scene.speaksOfStack)) continue;
    count++;
    const amounts = smapsOf(scene.procSource, vma);
    for (const [key, kb] of Object.entries(amounts)) own[key] = (own[key] ?? 0) + kb;
    if (count > MOST_VMAS) continue;
    const entry = vmaAnswer(process, vma, adjacent);
    if (full) {
      const { Size: _size, ...resident } = amounts;
      for (const [key, kb] of Object.entries(resident)) if (kb > 0) entry[key] = kb;
      entry.VmFlags = vmFlagsText(vma.flags);
    }
    listed.push(entry);
  }
  answer.vmas = listed;
  answer.nvma = count;
  if (scene.speaksOfStack || count > MANY_VMAS) answer.map_count = total;
  answer.own_kb = Object.fromEntries(Object.entries(own).filter(([key, kb]) => key === 'Size' || kb > 0));
}

interface RegionList {
  readonly regions: readonly AddressExpression[];
  readonly length: number | undefined;
  readonly drain: boolean;
}

const readRegions = (words: Words): RegionList => ({
  regions: words.operandsFrom(0).map((text) => words.address(text)),
  length: words.size('len'),
  drain: !words.has('nodrain'),
});

/** `regions`: a character for each page of each region. */
function putRegions(process: ScenarioProcess, list: RegionList, answer: Answer, scene: Scene): void {
  if (list.drain) scene.drain();
  answer.regions = list.regions.map((expression) => {
    const { name, text } = expression;
    // The stack and the heap grow: their names mean what is mapped now.
    const grown = text === name && OWN_REGIONS.has(name) ? process.mappedExtent(name) : undefined;
    const { address, length } = grown ?? process.resolve(expression);
    const bytes = list.length ?? length;
    // The oracle's lengths have no sign: one below nothing is a huge one.
    const count = bytes < 0 ? MOST_PAGES : Math.min(Math.trunc(bytes / PAGE_SIZE), MOST_PAGES);
    const strings = pagesOf(scene.procSource, process.task.mm, pageOf(address), count);
    const shown = Object.entries(strings).map(([key, characters]) => [key, runs(characters)]);
    return { region: text, ...Object.fromEntries(shown) };
  });
}

export const stat = processOperation('stat [R...] [len=] [nodrain]', readRegions, (process, list, answer, scene) => {
  const all = statusOf(process.task.process);
  const shown: Record<string, number> = { _: 0 };
  for (const key of STATUS_KEYS) shown[key] = all[key] ?? -1;
  answer.status = { ...shown, VmPTE_delta: (all.VmPTE ?? 0) - process.startPteKb };
  putVmas(process, answer, scene, true);
  putRegions(process, list, answer, scene);
});

export const maps = processOperation(
  'maps [R...]',
  (words) => words.operandsFrom(0).map((text) => words.address(text)),
  (process, _none, answer, scene) => putVmas(process, answer, scene, false),
);

export const pages = processOperation('pages [R...] [len=] [nodrain]', readRegions, putRegions);

export const faults = processOperation(
  'faults',
  () => undefined,
  ({ task }, _none, answer) => {
    answer.total_minflt = task.process.minFlt;
    answer.total_majflt = task.process.majFlt;
  },
);

export const io = processOperation(
  'io',
  () => undefined,
  ({ task, startReadBytes }, _none, answer) => {
    for (const [key, value] of ioOf(task.process)) answer[key] = key === 'read_bytes' ? value - startReadBytes : value;
  },
);
