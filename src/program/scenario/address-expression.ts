import { quoted } from './quoted.ts';
import { parseSize } from './size.ts';

/** An address as a scenario writes it: a number or a name, and what is added to it. */
export interface AddressExpression {
  /** As it was written. */
  readonly text: string;
  /** A region, or one of the names below; undefined when it begins with a number. */
  readonly name: string | undefined;
  /** The number that it begins with, 0 for a name. */
  readonly base: number;
  /** What is added, in bytes; negative for what is subtracted. */
  readonly offsets: readonly number[];
}

/** Names that mean the same address in every process. */
export const FIXED_PLACES: ReadonlyMap<string, number> = new Map([
  ['null', 0],
  ['kernel', 0xffff_8000_0000_0000],
  ['noncanon', 0x8000_0000_0000_0000],
  ['taskend', 0x7fff_ffff_f000],
]);

/** Regions that every process has from its start. */
export const OWN_REGIONS: ReadonlySet<string> = new Set(['stack', 'heap', 'brk', 'scratch']);

/**
 * Reads `region`, `region+off`, `region-off+off`, or a number in the region's place.
 *
 * @returns the expression, or a sentence that says what is wrong with it
 */
export function parseAddress(text: string): AddressExpression | string {
  const parts = text.match(/^([^+-]+)((?:[+-][^+-]+)*)$/);
  if (parts === null) return `${quoted(text)} is no address: expected a region or a number, then +OFFSET or -OFFSET`;
  const [, head, tail] = parts as unknown as [string, string, string];
  const offsets: number[] = [];
  for (const [, sign, digits] of tail.matchAll(/([+-])([^+-]+)/g)) {
    const size = parseSize(digits as string);
    if (size === undefined)
      return `${quoted(digits as string)} in the address ${quoted(text)} is no size (examples: 8, 0x1000, 3p, 64K)`;
    offsets.push(sign === '-' ? -size : size);
  }
  if (!/^[0-9]/.test(head)) return { text, name: head, base: 0, offsets };
  const base = parseSize(head);
  if (base === undefined) return `${quoted(head)} is no number (examples: 4096, 0x200000000000, 16p)`;
  return { text, name: undefined, base, offsets };
}

/** A number of bytes as the processor adds them: modulo 2^64. */
export function wrapAddress(value: number): number {
  if (value < 0) return value + 2 ** 64;
  return value >= 2 ** 64 ? value - 2 ** 64 : value;
}
