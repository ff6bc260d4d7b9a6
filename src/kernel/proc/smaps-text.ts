import { addressOf, PAGE_SIZE } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { Vma } from '../address-space/vma.ts';
import { isEligible } from '../thp/eligible.ts';
import { mapsLine, rangeLine, VSYSCALL_LINE } from './maps.ts';
import { gatherRollup, gatherSmaps, noPages, type Smaps, smapsKb } from './smaps.ts';
import type { ProcSource } from './source.ts';
import { vmFlagsText } from './vma-flags-text.ts';

/** `Rss:                  20 kB`: a key in 16 columns and its amount in 8. */
const kbLine = ([key, amount]: [string, number]): string => `${`${key}:`.padEnd(16)}${String(amount).padStart(8)} kB`;

/** @param pageKb the size of the pages that the mapping is made of, in kB (vma_kernel_pagesize) */
function body(sums: Smaps, flags: string, isEligibleForHuge: boolean, pageKb = PAGE_SIZE / 1024): string[] {
  const size: [string, number] = ['Size', sums.size / 1024];
  const pageSizes: [string, number][] = [
    ['KernelPageSize', pageKb],
    ['MMUPageSize', pageKb],
  ];
  // ProtectionKey is printed only by processors with PKU.
  const eligible = `${'THPeligible:'.padEnd(16)}${(isEligibleForHuge ? '1' : '0').padStart(8)}`;
  return [...[size, ...pageSizes, ...smapsKb(sums)].map(kbLine), eligible, `VmFlags: ${flags} `];
}

/** The block of one mapping in /proc/PID/smaps (show_smap). */
export function smapsBlock(source: ProcSource, vma: Vma): string {
  const pageKb = ((vma.file?.inode.huge?.hstate.pages ?? 1) * PAGE_SIZE) / 1024;
  const eligible = isEligible(source.thp.settings, vma);
  return [mapsLine(vma), ...body(gatherSmaps(source, vma), vmFlagsText(vma.flags), eligible, pageKb)].join('\n');
}

/** /proc/PID/smaps. The legacy system-call page stands at its end with nothing resident. */
export function smapsText(source: ProcSource, mm: Mm): string {
  const blocks = [...mm.vmas].map((vma) => smapsBlock(source, vma));
  const vsyscall = [VSYSCALL_LINE, ...body({ ...noPages(), size: PAGE_SIZE }, 'ex', false)];
  return `${[...blocks, vsyscall.join('\n')].join('\n')}\n`;
}

/** /proc/PID/smaps_rollup: one range from the first mapping to the end of the last. */
export function rollupText(source: ProcSource, mm: Mm): string {
  const vmas = [...mm.vmas];
  const first = vmas.at(0);
  const last = vmas.at(-1);
  if (first === undefined || last === undefined) return '';
  const line = rangeLine(addressOf(first.start), addressOf(last.end), '---p', '[rollup]');
  return `${[line, ...smapsKb(gatherRollup(source, mm), true).map(kbLine)].join('\n')}\n`;
}
