/** How mmap(2)'s protection, flags and file become the flags of a mapping (mm/mmap.c, do_mmap). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EACCES, EINVAL, EOPNOTSUPP, EOVERFLOW } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  O_ACCMODE,
  O_RDONLY,
  O_WRONLY,
  PROT_WRITE,
} from '../uapi.ts';
import {
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_SHARED,
  VM_WIPEONFORK,
} from './vm-flags.ts';

/** MAP_DENYWRITE, MAP_EXECUTABLE, MAP_UNINITIALIZED and MAP_ABOVE4G: without effect here, but not unknown. */
const MAP_IGNORED = 0x800 | 0x1000 | 0x4000000 | 0x80;
/** MAP_SHARED ignores flags that it does not know, MAP_SHARED_VALIDATE refuses all but these (LEGACY_MAP_MASK). */
const LEGACY_MAP_MASK =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_IGNORED |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_32BIT;

/** calc_vm_flag_bits. MAP_STACK asks for nothing but small pages. */
export const vmFlagsOfMap = (flags: number): number =>
  (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) |
  (flags & MAP_LOCKED ? VM_LOCKED : 0) |
  (flags & MAP_STACK ? VM_NOHUGEPAGE : 0);

/** The flags of anonymous memory by MAP_TYPE, or -EINVAL. */
export function anonymousFlags(flags: number, vmFlags: number): number {
  const type = flags & MAP_TYPE;
  if (type === MAP_PRIVATE) return vmFlags;
  if (vmFlags & VM_GROWSDOWN) return -EINVAL;
  if (type === MAP_SHARED) return vmFlags | VM_SHARED | VM_MAYSHARE;
  if (type !== MAP_DROPPABLE || flags & (MAP_LOCKED | MAP_HUGETLB)) return -EINVAL;
  // Pages that may vanish need no reserve and are worth neither copying nor dumping.
  return vmFlags | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
}

/** The flags of a file mapping by MAP_TYPE and by how the file was opened, or a negated errno. */
export function fileFlags(
  file: File,
  prot: number,
  flags: number,
  vmFlags: number,
  pgoff: number,
  pages: number,
): number {
  // file_mmap_ok: the file's offsets are signed.
  if ((pgoff + pages) * PAGE_SIZE >= 2 ** 63) return -EOVERFLOW;
  const mode = file.flags & O_ACCMODE;
  const type = flags & MAP_TYPE;
  const shared = type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
  if (type === MAP_SHARED_VALIDATE && flags & ~LEGACY_MAP_MASK) return -EOPNOTSUPP;
  if (!shared && type !== MAP_PRIVATE) return -EINVAL;
  if (shared && prot & PROT_WRITE && mode === O_RDONLY) return -EACCES;
  if (mode === O_WRONLY) return -EACCES;
  if (vmFlags & VM_GROWSDOWN) return -EINVAL;
  if (!shared) return vmFlags;
  // Without write access nobody will ever write through it: it is like a private one that shows the file.
  return mode === O_RDONLY ? (vmFlags | VM_MAYSHARE) & ~VM_MAYWRITE : vmFlags | VM_SHARED | VM_MAYSHARE;
}
