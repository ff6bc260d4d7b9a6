/** Numbers as the files of cgroups take them (memparse in lib/cmdline.c, page_counter_memparse in mm/page_counter.c). */
import { PAGE_SIZE } from '../../hardware/units.ts';

const UNITS = 'kmgtpe';

/** A number at the start of a text, as simple_strtoull reads it (0x and 0 in front mean base 16 and 8), and its unit. */
export function memparse(text: string): { bytes: number; rest: string } {
  const digits = /^(0[xX][0-9a-fA-F]+|\d+)/.exec(text)?.[0] ?? '';
  let value = Number(digits);
  let length = digits.length;
  if (/^0\d/.test(digits)) {
    const octal = /^0[0-7]*/.exec(digits)?.[0] ?? '0';
    value = Number.parseInt(octal, 8);
    length = octal.length;
  }
  const unit = length === 0 ? -1 : UNITS.indexOf((text[length] ?? ' ').toLowerCase());
  if (unit < 0) return { bytes: value, rest: text.slice(length) };
  return { bytes: value * 1024 ** (unit + 1), rest: text.slice(length + 1) };
}

/**
 * A limit in whole pages, rounded down.
 * @param unlimited the word that stands for no limit: `max`, or `-1` in version 1
 * @returns undefined for what is no number
 */
export function parseLimit(text: string, unlimited: string): number | undefined {
  const word = text.trim();
  if (word === unlimited) return Number.POSITIVE_INFINITY;
  const { bytes, rest } = memparse(word);
  return rest === '' ? Math.floor(bytes / PAGE_SIZE) : undefined;
}
