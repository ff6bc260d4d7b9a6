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
`;

/** The tracepoint of a system call's end, from that of its start. Its one field is `ret`: a result or a negated errno. */
export const sysExit = (enter: number): number => enter + 1;

export const SYS_ENTER_BRK = 21;
export const SYS_ENTER_MMAP = 23;
export const SYS_ENTER_MUNMAP = 25;
export const SYS_ENTER_MREMAP = 27;
export const SYS_ENTER_MPROTECT = 29;
export const SYS_ENTER_MADVISE = 31;
export const SYS_ENTER_MSYNC = 33;
export const SYS_ENTER_MLOCK = 35;
export const SYS_ENTER_MLOCK2 = 37;
export const SYS_ENTER_MUNLOCK = 39;
export const SYS_ENTER_MLOCKALL = 41;
export const SYS_ENTER_MUNLOCKALL = 43;
export const SYS_ENTER_MINCORE = 45;
export const SYS_ENTER_READ = 47;
export const SYS_ENTER_WRITE = 49;
export const SYS_ENTER_PREAD64 = 51;
export const SYS_ENTER_PWRITE64 = 53;
export const SYS_ENTER_OPENAT = 55;
export const SYS_ENTER_CLOSE = 57;
export const SYS_ENTER_DUP = 59;
export const SYS_ENTER_LSEEK = 61;
export const SYS_ENTER_FTRUNCATE = 63;
export const SYS_ENTER_FALLOCATE = 65;
export const SYS_ENTER_FSYNC = 67;
export const SYS_ENTER_FADVISE64 = 69;
export const SYS_ENTER_READAHEAD = 71;
export const SYS_ENTER_CACHESTAT = 73;
export const SYS_ENTER_MEMFD_CREATE = 75;
export const SYS_ENTER_SENDFILE64 = 77;
export const SYS_ENTER_COPY_FILE_RANGE = 79;
