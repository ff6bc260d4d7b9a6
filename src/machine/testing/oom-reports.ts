/** Comparing a simulated OOM report with one that a real kernel has written, as templates. */

/**
 * Lines that come from what no simulated kernel has: registers, code bytes, guesses of the stack, a computer's maker; and
 * those of 1 GiB pages, which QEMU's processor lacks.
 */
const NOT_MODELLED =
  /^( \? |Node 0 hugepages_.*size=1048576kB|Hardware name:|RIP: |Code: |RSP: |R[A-Z0-9]{2}: |Kernel Offset: |---\[ end )/;

/**
 * The lines of a report without what differs from run to run: numbers, offsets in functions, the letters of free lists,
 * the version and the answer to all_unreclaimable.
 */
export const templateOf = (lines: readonly string[]): string[] =>
  lines.filter((line) => !NOT_MODELLED.test(line)).map(shapeOf);

const shapeOf = (line: string): string =>
  line
    .replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+$/, '')
    .replace(/(Not tainted) .*/, '$1')
    .replace(/ \([UMEHCI]+\)/g, '')
    .replace(/(all_unreclaimable\?) (yes|no)/, '$1 #')
    .replace(/gfp_mask=0x[0-9a-f]+/, 'gfp_mask=#')
    .replace(/-?\b\d+(?=\b|kB|KB|\*)/g, '#')
    .replace(/^\[ +(#|<\w+>)\] .* #\s/, '[ $1 ] ');

/** Where the numbers of a row of the task table end: they are right-aligned, so the columns' widths are in it. */
export const columnEnds = (row: string): number[] =>
  [...row.matchAll(/-?\d+(?=\]? )/g)].map((match) => match.index + match[0].length);

/** Every `name:NUMBERkB` and `name:NUMBER` of a line, by name. */
export function numbersOf(line: string): Record<string, number> {
  const pairs = [...line.matchAll(/([\w()]+):(\d+)/g)].map(([, name, value]) => [name as string, Number(value)]);
  return Object.fromEntries(pairs) as Record<string, number>;
}
