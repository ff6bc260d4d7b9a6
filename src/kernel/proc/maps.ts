import { addressOf, PAGE_SIZE } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';

/** The column before which a name is never printed (seq_setwidth in show_vma_header_prefix). */
const NAME_COLUMN = 25 + 8 * 6 - 1;

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** `rw-p`: what may be done, and whether stores are seen by other mappings. */
export function permissionsOf(vma: Vma): string {
  const has = (flag: number, letter: string) => (vma.flags & flag ? letter : '-');
  return has(VM_READ, 'r') + has(VM_WRITE, 'w') + has(VM_EXEC, 'x') + (vma.flags & VM_MAYSHARE ? 's' : 'p');
}

/** The file's path, `[heap]`, `[stack]`, `[vdso]` and so on; empty for anonymous memory (get_vma_name). */
export function nameOf(vma: Vma): string {
  if (vma.file !== undefined) return vma.file.inode.name;
  if (vma.special !== undefined) return vma.special.name;
  const { mm } = vma;
  const start = addressOf(vma.start);
  const end = addressOf(vma.end);
  if (start < mm.brk && end > mm.startBrk) return '[heap]';
  if (start <= mm.startStack && end >= mm.startStack) return '[stack]';
  return '';
}

/** Byte offset in the file; 0 without a file, whatever the mapping's index is. */
export const offsetOf = (vma: Vma): number => (vma.file === undefined ? 0 : vma.pgoff * PAGE_SIZE);

/** A line of maps for any range: `start-end perms offset major:minor inode`, and the name in its column. */
export function rangeLine(
  start: number,
  end: number,
  permissions: string,
  name: string,
  place = { offset: 0, dev: 0, ino: 0 },
): string {
  const device = `${hex(Math.floor(place.dev / (1 << 20)), 2)}:${hex(place.dev % (1 << 20), 2)}`;
  const head = `${hex(start, 8)}-${hex(end, 8)} ${permissions} ${hex(place.offset, 8)} ${device} ${place.ino} `;
  return name === '' ? head : `${head.padEnd(NAME_COLUMN)} ${name.replaceAll('\n', '\\012')}`;
}

/** One line of /proc/PID/maps, without its end of line (show_map_vma). */
export function mapsLine(vma: Vma): string {
  const inode = vma.file?.inode;
  const place = { offset: offsetOf(vma), dev: inode?.dev ?? 0, ino: inode?.ino ?? 0 };
  return rangeLine(addressOf(vma.start), addressOf(vma.end), permissionsOf(vma), nameOf(vma), place);
}

/** The legacy system-call page at the top of every x86-64 process: it belongs to no address space (gate_vma). */
export const VSYSCALL_LINE: string = rangeLine(
  0xffffffffff600 * PAGE_SIZE,
  0xffffffffff601 * PAGE_SIZE,
  '--xp',
  '[vsyscall]',
);

/** /proc/PID/maps. */
export function mapsText(mm: Mm): string {
  return `${[...mm.vmas].map(mapsLine).concat(VSYSCALL_LINE).join('\n')}\n`;
}
