import { EVENT_LINES } from './events.ts';

/**
 * System calls that concern memory and files: each has two tracepoints, syscalls:sys_enter_NAME with the arguments in
 * their order and, numbered one higher, syscalls:sys_exit_NAME with the result. Arguments are bytes and byte addresses.
 * One line is one system call, `name argument:type ...`, types as in events.ts.
 */
export const SYSCALL_LINES = `
brk brk:x
mmap addr:x len:x prot:x flags:x fd:d off:x
munmap addr:x len:x
mremap addr:x old_len:x new_len:x flags:x new_addr:x
mprotect start:x len:x prot:x
madvise start:x len_in:x behavior:d
msync start:x len:x flags:x
mlock start:x len:x
mlock2 start:x len:x flags:x
munlock start:x len:x
mlockall flags:x
munlockall
mincore start:x len:x vec:x
read fd:d buf:x count:x
write fd:d buf:x count:x
pread64 fd:d buf:x count:x pos:x
pwrite64 fd:d buf:x count:x pos:x
openat dfd:d filename:s flags:x mode:x
close fd:d
dup fildes:d
lseek fd:d offset:d whence:d
ftruncate fd:d length:x
fallocate fd:d mode:x offset:x len:x
fsync fd:d
fadvise64 fd:d offset:x len:x advice:d
readahead fd:d offset:x count:x
cachestat fd:d cstat_range:x cstat:x flags:x
memfd_create uname:s flags:x
sendfile64 out_fd:d in_fd:d offset:x count:x
copy_file_range fd_in:d off_in:x fd_out:d off_out:x len:x flags:x
fdatasync fd:d
sync_file_range fd:d offset:x nbytes:x flags:x
sync
syncfs fd:d
`;

/** They are numbered behind the other tracepoints. */
const FIRST = EVENT_LINES.trim().split('\n').length;

/** The tracepoint of a system call's end, from that of its start. Its one field is `ret`: a result or a negated errno. */
export const sysExit = (enter: number): number => enter + 1;

export const SYS_ENTER_BRK: number = FIRST + 0;
export const SYS_ENTER_MMAP: number = FIRST + 2;
export const SYS_ENTER_MUNMAP: number = FIRST + 4;
export const SYS_ENTER_MREMAP: number = FIRST + 6;
export const SYS_ENTER_MPROTECT: number = FIRST + 8;
export const SYS_ENTER_MADVISE: number = FIRST + 10;
export const SYS_ENTER_MSYNC: number = FIRST + 12;
export const SYS_ENTER_MLOCK: number = FIRST + 14;
export const SYS_ENTER_MLOCK2: number = FIRST + 16;
export const SYS_ENTER_MUNLOCK: number = FIRST + 18;
export const SYS_ENTER_MLOCKALL: number = FIRST + 20;
export const SYS_ENTER_MUNLOCKALL: number = FIRST + 22;
export const SYS_ENTER_MINCORE: number = FIRST + 24;
export const SYS_ENTER_READ: number = FIRST + 26;
export const SYS_ENTER_WRITE: number = FIRST + 28;
export const SYS_ENTER_PREAD64: number = FIRST + 30;
export const SYS_ENTER_PWRITE64: number = FIRST + 32;
export const SYS_ENTER_OPENAT: number = FIRST + 34;
export const SYS_ENTER_CLOSE: number = FIRST + 36;
export const SYS_ENTER_DUP: number = FIRST + 38;
export const SYS_ENTER_LSEEK: number = FIRST + 40;
export const SYS_ENTER_FTRUNCATE: number = FIRST + 42;
export const SYS_ENTER_FALLOCATE: number = FIRST + 44;
export const SYS_ENTER_FSYNC: number = FIRST + 46;
export const SYS_ENTER_FADVISE64: number = FIRST + 48;
export const SYS_ENTER_READAHEAD: number = FIRST + 50;
export const SYS_ENTER_CACHESTAT: number = FIRST + 52;
export const SYS_ENTER_MEMFD_CREATE: number = FIRST + 54;
export const SYS_ENTER_SENDFILE64: number = FIRST + 56;
export const SYS_ENTER_COPY_FILE_RANGE: number = FIRST + 58;
export const SYS_ENTER_FDATASYNC: number = FIRST + 60;
export const SYS_ENTER_SYNC_FILE_RANGE: number = FIRST + 62;
export const SYS_ENTER_SYNC: number = FIRST + 64;
export const SYS_ENTER_SYNCFS: number = FIRST + 66;
