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
dup2 oldfd:d newfd:d
lseek fd:d offset:d whence:d
ftruncate fd:d length:x
fallocate fd:d mode:x offset:x len:x
fsync fd:d
fadvise64 fd:d offset:x len:x advice:d
readahead fd:d offset:x count:x
cachestat fd:d cstat_range:x cstat:x flags:x
memfd_create uname:s flags:x
clone clone_flags:x newsp:x parent_tidptr:x child_tidptr:x tls:x
vfork
execve filename:s argv:x envp:x
exit_group error_code:d
prctl option:d arg2:x arg3:x arg4:x arg5:x
setrlimit resource:d rlim:x
`;

/** The tracepoint of a system call's end, from that of its start. Its one field is `ret`: a result or a negated errno. */
export const sysExit = (enter: number): number => enter + 1;

export const SYS_ENTER_BRK = 27;
export const SYS_ENTER_MMAP = 29;
export const SYS_ENTER_MUNMAP = 31;
export const SYS_ENTER_MREMAP = 33;
export const SYS_ENTER_MPROTECT = 35;
export const SYS_ENTER_MADVISE = 37;
export const SYS_ENTER_MSYNC = 39;
export const SYS_ENTER_MLOCK = 41;
export const SYS_ENTER_MLOCK2 = 43;
export const SYS_ENTER_MUNLOCK = 45;
export const SYS_ENTER_MLOCKALL = 47;
export const SYS_ENTER_MUNLOCKALL = 49;
export const SYS_ENTER_MINCORE = 51;
export const SYS_ENTER_READ = 53;
export const SYS_ENTER_WRITE = 55;
export const SYS_ENTER_PREAD64 = 57;
export const SYS_ENTER_PWRITE64 = 59;
export const SYS_ENTER_OPENAT = 61;
export const SYS_ENTER_CLOSE = 63;
export const SYS_ENTER_DUP = 65;
export const SYS_ENTER_DUP2 = 67;
export const SYS_ENTER_LSEEK = 69;
export const SYS_ENTER_FTRUNCATE = 71;
export const SYS_ENTER_FALLOCATE = 73;
export const SYS_ENTER_FSYNC = 75;
export const SYS_ENTER_FADVISE64 = 77;
export const SYS_ENTER_READAHEAD = 79;
export const SYS_ENTER_CACHESTAT = 81;
export const SYS_ENTER_MEMFD_CREATE = 83;
export const SYS_ENTER_CLONE = 85;
export const SYS_ENTER_VFORK = 87;
export const SYS_ENTER_EXECVE = 89;
export const SYS_ENTER_EXIT_GROUP = 91;
export const SYS_ENTER_PRCTL = 93;
export const SYS_ENTER_SETRLIMIT = 95;
