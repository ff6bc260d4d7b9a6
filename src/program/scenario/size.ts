/** What a letter behind a number multiplies it with; `p` counts pages. */
const UNITS: Readonly<Record<string, number>> = { '': 1, p: 4096, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

const SIZE = /^(-?)(0x[0-9a-fA-F]+|[0-9]+)([pKMGT]?)$/;

/**
 * Reads a size of the scenario language: decimal or 0x, with p (4 KiB pages), K, M, G or T, and perhaps a minus.
 *
 * @returns bytes, or undefined when the text is no size. Above 2^53 the nearest double: only whole powers are used there.
 */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  const [, minus, digits, unit] = match as unknown as [string, string, string, string];
  const value = Number(digits) * (UNITS[unit] as number);
  return minus === '-' ? -value : value;
}

/** A number as the scenario language prints offsets: `0x3000`. */
export const hex = (value: number): string => `0x${value.toString(16)}`;
