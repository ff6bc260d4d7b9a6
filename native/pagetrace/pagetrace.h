/* pagetrace: what a program does to memory, page run by page run. Shared declarations; README.md tells the whole.

   This file is part of pagetrace, a Valgrind tool of Faultline.
   SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PAGETRACE_H
#define PAGETRACE_H

#include "pub_tool_basics.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"
#include "pub_tool_tooliface.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_clientstate.h"

/* Of Valgrind's core: in its library, not in its public headers. */
extern SysRes VG_(do_syscall)(UWord number, RegWord a1, RegWord a2, RegWord a3, RegWord a4, RegWord a5, RegWord a6,
                              RegWord a7, RegWord a8);
extern Int    VG_(safe_fd)(Int fd);
extern Bool   VG_(resolve_filename)(Int fd, const HChar** path);
extern Int    VG_(cl_exec_fd);
extern Addr   VG_(brk_base);
extern Addr   VG_(brk_limit);
extern Bool   VG_(am_create_reservation)(Addr start, SizeT length, ShrinkMode mode, SSizeT extra);
extern SysRes VG_(am_mmap_anon_fixed_client)(Addr start, SizeT length, UInt protection);
extern SysRes VG_(am_munmap_client)(Bool* held_code, Addr start, SizeT length);
extern Addr   VG_(am_get_advisory_client_simple)(Addr start, SizeT length, Bool* ok);

#define PAGE_BYTES    4096UL
#define PAGE_BASE(a)  ((a) & ~(PAGE_BYTES - 1))
/* Where no page starts: an access compared with it always misses. */
#define NO_PAGE       (1UL << 63)

/* Kinds of page runs, as in the recording. */
enum { FETCH = 0, READ = 1, WRITE = 2, ESCAPE = 3 };

/* Events of the recording (docs/recording-format.md). */
typedef enum {
   EV_START, EV_SEGMENT, EV_FILE, EV_ENTER, EV_SYSCALL, EV_KERNEL_READ, EV_KERNEL_WRITE, EV_THREAD, EV_THREAD_CREATE,
   EV_THREAD_EXIT, EV_SIGNAL, EV_SIGNAL_FRAME, EV_FORKED, EV_WINDOW, EV_END
} EventType;

/* ---- runs.c: which pages are current, how far the program is; turns accesses into records ---- */

/* Entries in the windowed mode's filter; a power of two. Exact mode uses the first one only. */
#define FILTER_PAGES 1024
/* The page last read, written and fetched in each place of the filter; instrumented code compares with these. */
extern Addr read_pages[FILTER_PAGES], write_pages[FILTER_PAGES], fetch_pages[FILTER_PAGES];
/* Added to by instrumented code at the end of each block: instructions in the low 36 bits, accesses above; and stores. */
extern ULong progress, stores_done;
#define PROGRESS(instructions, accesses) ((ULong)(instructions) | (ULong)(accesses) << 36)
/* 0: exact. */
extern Int window_instructions;

/* One access as instrumented code describes it to the helpers: bytes, whether it stands for several accesses, and the
   instructions and accesses of this block up to and including it. */
#define DESCRIBE(bytes, several, instructions, accesses) \
   ((UWord)(bytes) | (UWord)(several) << 12 | (UWord)(instructions) << 13 | (UWord)(accesses) << 22)
#define MAX_BYTES        4095
#define MAX_INSTRUCTIONS 511
VG_REGPARM(2) void on_load(Addr address, UWord description);
VG_REGPARM(2) void on_store(Addr address, UWord description);
VG_REGPARM(2) void on_fetch(Addr address, UWord description);

void  runs_reset(void);
/* Between blocks of code only, as all that follow: brings the counters up to date; starts a new window when it is time. */
void  runs_settle(void);
/* Before an event. In exact mode it ends the open runs. */
void  runs_pause(void);
/* Ends the open runs and forgets the filter: the map changes, or another thread comes. */
void  runs_forget(void);
/* Instructions of the process so far, as of the last settling. */
ULong runs_instruction(void);
/* Sends the block, with all runs ended. */
void  runs_flush(void);
/* Sends the block if the last one went out long ago: what a SIGKILL takes, and a reader of the growing file waits for, stays small. */
void  runs_flush_if_old(void);

/* ---- stream.c: columns, events, blocks, and the socket to the recorder ---- */
void stream_connect(const HChar* path);
void stream_reconnect_in_child(void);
void stream_close(void);
Bool stream_full(void);
/* Milliseconds since the last block went out. */
UInt stream_age(void);
/* Sends the block with its totals: instructions and stores of the process so far. */
void stream_send(ULong instructions, ULong stores);
void record_run(UInt kind, Addr page, ULong instruction);
void record_count(ULong accesses);
void record_event(EventType type, ULong instruction);

/* Starts an event; its payload follows by put_number, put_signed and put_text. */
void begin_event(EventType type);
void put_number(ULong value);
void put_signed(Long value);
void put_text(const HChar* text);

/* ---- maps.c: the process's map, its files, its heap, its start ---- */
void heap_make_room(void);
void hide_preload(void);
void tell_start(void);
void tell_segments(void);
Bool is_valgrinds_own(Addr address);
UInt file_behind(Int fd);
Bool file_is_regular(Int fd);
void file_forget(Int fd);
void file_forget_all(void);

/* ---- syscalls.c ---- */
extern Int exit_code;
void syscalls_init(void);
void before_syscall(ThreadId tid, UInt number, UWord* args, UInt nargs);
void after_syscall(ThreadId tid, UInt number, UWord* args, UInt nargs, SysRes result);
void before_fork(ThreadId tid);
void after_fork_in_child(ThreadId tid);

/* ---- instrument.c ---- */
IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout, const VexGuestExtents* extents,
                 const VexArchInfo* arch, IRType guest_word, IRType host_word);

#endif
