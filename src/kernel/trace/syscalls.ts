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
`;

/** The tracepoint of a system call's end, from that of its start. Its one field is `ret`: a result or a negated errno. */
export const sysExit = (enter: number): number => enter + 1;

export const SYS_ENTER_BRK = 20;
export const SYS_ENTER_MMAP = 22;
export const SYS_ENTER_MUNMAP = 24;
export const SYS_ENTER_MREMAP = 26;
export const SYS_ENTER_MPROTECT = 28;
export const SYS_ENTER_MADVISE = 30;
export const SYS_ENTER_MSYNC = 32;
export const SYS_ENTER_MLOCK = 34;
export const SYS_ENTER_MLOCK2 = 36;
export const SYS_ENTER_MUNLOCK = 38;
export const SYS_ENTER_MLOCKALL = 40;
export const SYS_ENTER_MUNLOCKALL = 42;
export const SYS_ENTER_MINCORE = 44;
export const SYS_ENTER_READ = 46;
export const SYS_ENTER_WRITE = 48;
export const SYS_ENTER_PREAD64 = 50;
export const SYS_ENTER_PWRITE64 = 52;
export const SYS_ENTER_OPENAT = 54;
export const SYS_ENTER_CLOSE = 56;
export const SYS_ENTER_DUP = 58;
export const SYS_ENTER_LSEEK = 60;
export const SYS_ENTER_FTRUNCATE = 62;
export const SYS_ENTER_FALLOCATE = 64;
export const SYS_ENTER_FSYNC = 66;
export const SYS_ENTER_FADVISE64 = 68;
export const SYS_ENTER_READAHEAD = 70;
export const SYS_ENTER_CACHESTAT = 72;
export const SYS_ENTER_MEMFD_CREATE = 74;
