/* Which system calls are recorded, and what the kernel touches for them.

   SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagetrace.h"

/* What is to be done with a system call's descriptors and with the current pages. */
enum {
   RECORDED  = 1,
   FD_ARG0   = 2,     /* a descriptor in this argument: tell the file behind it */
   FD_ARG1   = 4,
   FD_ARG2   = 8,
   FD_ARG4   = 16,
   REMAPS    = 32,    /* may change the map: every page is touched for the first time after it */
   POSITION  = 64,    /* moves the file position of argument 0 */
   MAY_NOT_RETURN = 128,
   NEW_FD    = 256    /* the result is a new descriptor */
};

#define LAST_SYSCALL 512
static UShort treatment[LAST_SYSCALL];

/* Numbers that are newer than Valgrind's list. */
enum {
   NR_prlimit64 = 302, NR_process_vm_readv = 310, NR_process_vm_writev = 311, NR_memfd_create = 319, NR_execveat = 322,
   NR_userfaultfd = 323, NR_mlock2 = 325, NR_copy_file_range = 326, NR_preadv2 = 327, NR_pwritev2 = 328, NR_pkey_mprotect = 329,
   NR_clone3 = 435, NR_close_range = 436, NR_openat2 = 437, NR_process_madvise = 440
};

typedef struct { UShort number, how; } Treatment;

static const Treatment recorded[] = {
   /* mappings */
   { __NR_mmap, FD_ARG4 | REMAPS }, { __NR_munmap, REMAPS }, { __NR_mremap, REMAPS }, { __NR_mprotect, REMAPS },
   { NR_pkey_mprotect, REMAPS }, { __NR_madvise, REMAPS }, { NR_process_madvise, REMAPS }, { __NR_brk, REMAPS },
   { __NR_remap_file_pages, REMAPS }, { __NR_msync, 0 }, { __NR_mincore, 0 }, { __NR_mlock, REMAPS }, { NR_mlock2, REMAPS },
   { __NR_munlock, 0 }, { __NR_mlockall, REMAPS }, { __NR_munlockall, 0 }, { __NR_mbind, 0 }, { __NR_set_mempolicy, 0 },
   { __NR_shmget, 0 }, { __NR_shmat, REMAPS }, { __NR_shmdt, REMAPS }, { __NR_shmctl, 0 }, { NR_memfd_create, NEW_FD },
   { NR_userfaultfd, NEW_FD }, { NR_process_vm_readv, 0 }, { NR_process_vm_writev, 0 },
   /* processes and limits */
   { __NR_clone, REMAPS | MAY_NOT_RETURN }, { NR_clone3, REMAPS | MAY_NOT_RETURN }, { __NR_fork, REMAPS | MAY_NOT_RETURN },
   { __NR_vfork, REMAPS | MAY_NOT_RETURN }, { __NR_execve, MAY_NOT_RETURN }, { NR_execveat, MAY_NOT_RETURN },
   { __NR_exit, MAY_NOT_RETURN }, { __NR_exit_group, MAY_NOT_RETURN }, { __NR_wait4, 0 }, { __NR_waitid, 0 },
   { __NR_prctl, 0 }, { __NR_arch_prctl, 0 }, { __NR_setrlimit, 0 }, { NR_prlimit64, 0 },
   /* descriptors */
   { __NR_open, NEW_FD }, { __NR_openat, NEW_FD }, { NR_openat2, NEW_FD }, { __NR_creat, NEW_FD }, { __NR_close, 0 },
   { NR_close_range, 0 }, { __NR_dup, NEW_FD }, { __NR_dup2, NEW_FD }, { __NR_dup3, NEW_FD }, { __NR_fcntl, 0 },
   { __NR_pipe, 0 }, { __NR_pipe2, 0 }, { __NR_socket, NEW_FD },
   /* what natively never enters the kernel but touches the vdso and its data, which are hidden from the program here */
   { __NR_clock_gettime, 0 }, { __NR_gettimeofday, 0 }, { __NR_time, 0 }, { __NR_getcpu, 0 },
   /* files */
   { __NR_read, FD_ARG0 | POSITION }, { __NR_write, FD_ARG0 | POSITION }, { __NR_readv, FD_ARG0 | POSITION },
   { __NR_writev, FD_ARG0 | POSITION }, { __NR_pread64, FD_ARG0 }, { __NR_pwrite64, FD_ARG0 }, { __NR_preadv, FD_ARG0 },
   { __NR_pwritev, FD_ARG0 }, { NR_preadv2, FD_ARG0 | POSITION }, { NR_pwritev2, FD_ARG0 | POSITION },
   { __NR_lseek, FD_ARG0 | POSITION }, { __NR_sendfile, FD_ARG0 | FD_ARG1 }, { NR_copy_file_range, FD_ARG0 | FD_ARG2 },
   { __NR_splice, FD_ARG0 | FD_ARG2 }, { __NR_fallocate, FD_ARG0 }, { __NR_ftruncate, FD_ARG0 }, { __NR_truncate, 0 },
   { __NR_fsync, FD_ARG0 }, { __NR_fdatasync, FD_ARG0 }, { __NR_sync, 0 }, { __NR_sync_file_range, FD_ARG0 },
   { __NR_syncfs, FD_ARG0 }, { __NR_fadvise64, FD_ARG0 }, { __NR_readahead, FD_ARG0 }, { __NR_unlink, 0 },
   { __NR_unlinkat, 0 }, { __NR_rename, 0 }
};

#define ARGUMENTS     6
#define MAP_ANONYMOUS 0x20
#define F_DUPFD         0
#define F_DUPFD_CLOEXEC 1030

/* What the program gave to exit or exit_group; Valgrind does not tell at the end. */
Int exit_code = 0;

/* Between a process's fork and its return in the parent. */
static Bool forking = False;

void syscalls_init(void)
{
   UInt i;
   for (i = 0; i < sizeof recorded / sizeof *recorded; i++) treatment[recorded[i].number] = RECORDED | recorded[i].how;
}

static UInt treatment_of(UInt number) { return number < LAST_SYSCALL ? treatment[number] : 0; }

static void put_call(ThreadId tid, UInt number, const UWord* args, UInt nargs)
{
   UInt i;
   put_number(tid);
   put_number(number);
   for (i = 0; i < ARGUMENTS; i++) put_signed(i < nargs ? (Long)args[i] : 0);
}

void before_syscall(ThreadId tid, UInt number, UWord* args, UInt nargs)
{
   UInt how = treatment_of(number);
   if (how & MAY_NOT_RETURN) {
      const HChar* path = (const HChar*)args[0];
      Bool exec = number == __NR_execve && VG_(am_is_valid_for_client)((Addr)path, 1, VKI_PROT_READ);
      begin_event(EV_ENTER);
      put_call(tid, number, args, nargs);
      put_text(exec ? path : NULL);
      if (number == __NR_execve || number == NR_execveat) runs_flush();
   }
   if (number == __NR_exit || number == __NR_exit_group) exit_code = (Int)args[0] & 0xff;
   if (how & REMAPS) runs_forget();
}

/* Descriptors that the call made or closed, before the files behind them are asked for. */
static void follow_descriptors(UInt number, const UWord* args, SysRes result, UInt how)
{
   if (number == __NR_close) file_forget((Int)args[0]);
   if (number == NR_close_range) file_forget_all();
   if (sr_isError(result)) return;
   if (how & NEW_FD || (number == __NR_fcntl && (args[1] == F_DUPFD || args[1] == F_DUPFD_CLOEXEC)))
      file_forget((Int)sr_Res(result));
}

void after_syscall(ThreadId tid, UInt number, UWord* args, UInt nargs, SysRes result)
{
   UInt how = treatment_of(number), file = 0, second = 0;
   Long position = -1;

   if (!how) return;
   if (how & REMAPS) runs_forget();
   follow_descriptors(number, args, result, how);
   if (how & FD_ARG0) file = file_behind((Int)args[0]);
   if (how & FD_ARG1) second = file_behind((Int)args[1]);
   if (how & FD_ARG2) second = file_behind((Int)args[2]);
   if (how & FD_ARG4 && !(args[3] & MAP_ANONYMOUS)) file = file_behind((Int)args[4]);
   if (how & NEW_FD && !sr_isError(result)) file = file_behind((Int)sr_Res(result));
   if (how & POSITION && !sr_isError(result) && file_is_regular((Int)args[0]))
      position = VG_(lseek)((Int)args[0], 0, VKI_SEEK_CUR);

   begin_event(EV_SYSCALL);
   put_call(tid, number, args, nargs);
   put_signed(sr_isError(result) ? -(Long)sr_Err(result) : (Long)sr_Res(result));
   put_number(file);
   put_number(second);
   put_signed(position);
   if (forking) {
      forking = False;
      runs_flush();
   }
}

/* ------------------------------------------------------------------ forks */

void before_fork(ThreadId tid)
{
   runs_flush();
   forking = True;
}

void after_fork_in_child(ThreadId tid)
{
   Int parent_pid = VG_(getppid)();
   forking = False;
   stream_reconnect_in_child();
   file_forget_all();
   begin_event(EV_FORKED);
   put_number(VG_(getpid)());
   put_number(parent_pid);
   tell_segments();
}
