import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { PAGE_SIZE } from '../hardware/units.ts';
import type { SwapBacking } from '../kernel/swap/swap-backing.ts';

/** Where the signature stands in the first page (union swap_header), and what it is. */
const MAGIC_AT = PAGE_SIZE - 10;
const MAGIC = 'SWAPSPACE2';
const VERSION_AT = 1024;
const LAST_PAGE_AT = 1028;

/** A file that is there already and holds something else: it is not overwritten. */
export class NotSwapError extends Error {}

/** A swap area in a file of this host, as mkswap makes one: slot n lies at byte 4096 n. */
export interface SwapFile extends SwapBacking {
  close(): void;
}

/**
 * Makes the file, or takes one that has the header of a swap file.
 * @param bytes its size, whole pages, the header's among them
 * @throws NotSwapError when there is a file that holds something else; Node's own error when it cannot be written
 */
export function openSwapFile(path: string, bytes: number): SwapFile {
  const fd = openSync(path, 'a+');
  closeSync(fd);
  const file = openSync(path, 'r+');
  const stat = fstatSync(file);
  if (!stat.isFile() || (stat.size > 0 && !hasSignature(file))) {
    closeSync(file);
    throw new NotSwapError('it is there already and is no swap file');
  }
  ftruncateSync(file, bytes);
  writeSync(file, header(bytes / PAGE_SIZE), 0, PAGE_SIZE, 0);
  const written = new Uint8Array(bytes / PAGE_SIZE);
  return {
    write: (slot, page) => {
      try {
        writeSync(file, page, 0, PAGE_SIZE, slot * PAGE_SIZE);
      } catch {
        // What a real kernel gets from the disk: no page written, whatever the reason.
        return false;
      }
      written[slot] = 1;
      return true;
    },
    read: (slot, into) => {
      if (written[slot] === 0) return false;
      return readSync(file, into, 0, PAGE_SIZE, slot * PAGE_SIZE) === PAGE_SIZE;
    },
    free: (slot) => {
      written[slot] = 0;
    },
    close: () => closeSync(file),
  };
}

function hasSignature(file: number): boolean {
  const page = new Uint8Array(PAGE_SIZE);
  readSync(file, page, 0, PAGE_SIZE, 0);
  return new TextDecoder().decode(page.subarray(MAGIC_AT)) === MAGIC;
}

function header(slots: number): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const view = new DataView(page.buffer);
  view.setUint32(VERSION_AT, 1, true);
  view.setUint32(LAST_PAGE_AT, slots - 1, true);
  page.set(new TextEncoder().encode(MAGIC), MAGIC_AT);
  return page;
}
