import { NotSwapError, openSwapFile } from '../host/swap-file.ts';
import type { SwapOptions } from '../machine/swap-options.ts';
import { parseSize } from '../program/scenario/size.ts';
import { unwritable } from './unwritable.ts';
import { UserError } from './user-error.ts';

const LEAST_BYTES = 1 << 20;
const MOST_BYTES = 2 ** 38;
const MOST_PRIORITY = 32_767;

/** The part of the machine options' help that tells of swap. */
export const SWAP_HELP = `  --swap SIZE[,...]    a swap file on that disk (default none; repeatable). Behind the size, with commas:
                       prio=N, zram or zram=RATIO (compressed memory instead of a file), discard,
                       file=PATH (run only: pages lie in this file of the host)
`;

/**
 * Reads what `--swap` was given, one text for each area.
 * @param keepsContents the command's machine has contents that could lie in a file
 * @throws {UserError} for what is no area
 */
export function swapOptions(texts: readonly string[], keepsContents: boolean): SwapOptions[] {
  return texts.map((text) => {
    const [size = '', ...details] = text.split(',');
    const bytes = parseSize(size);
    if (bytes === undefined || bytes < LEAST_BYTES || bytes > MOST_BYTES)
      throw new UserError(`--swap ${text}: expected a size from 1M to 256G, as in 512M`);
    const area = { bytes: bytes - (bytes % 4096) };
    const read = details.map((detail) => readDetail(text, detail, area.bytes, keepsContents));
    return Object.assign({}, area, ...read);
  });
}

function readDetail(text: string, detail: string, bytes: number, keepsContents: boolean): Partial<SwapOptions> {
  const equals = detail.indexOf('=');
  const name = equals < 0 ? detail : detail.slice(0, equals);
  const value = equals < 0 ? undefined : detail.slice(equals + 1);
  if (name === 'discard' && value === undefined) return { discard: true };
  if (name === 'zram') return { kind: 'zram', compression: value === undefined ? undefined : ratio(text, value) };
  if (name === 'prio' && value !== undefined) return { priority: priority(text, value) };
  if (name === 'file' && value) return { backing: backing(text, value, bytes, keepsContents) };
  throw new UserError(
    `--swap ${text}: "${detail}" means nothing here; known are prio=N, zram[=RATIO], discard, file=PATH`,
  );
}

function ratio(text: string, value: string): number {
  const number = Number(value);
  if (!(number >= 1 && number <= 4096))
    throw new UserError(`--swap ${text}: expected a ratio from 1 to 4096, as in zram=3`);
  return number;
}

function priority(text: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number <= MOST_PRIORITY)) throw new UserError(`--swap ${text}: expected a priority from 0 to ${MOST_PRIORITY}`);
  return number;
}

function backing(text: string, path: string, bytes: number, keepsContents: boolean): SwapOptions['backing'] {
  if (!keepsContents)
    throw new UserError(`--swap ${text}: this command's pages have no contents that a file could hold`);
  try {
    return openSwapFile(path, bytes);
  } catch (error) {
    if (error instanceof NotSwapError) throw new UserError(`--swap ${text}: ${path}: ${error.message}`);
    throw unwritable(path, error);
  }
}
