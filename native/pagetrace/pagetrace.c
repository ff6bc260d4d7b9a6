/* The tool itself: options, what it asks of Valgrind, beginning and end.

   SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagetrace.h"
#include "pub_tool_options.h"

static const HChar* recorder = NULL;
/* For comparisons with other tools: leave heap and environment as Valgrind makes them. */
static Bool as_valgrind = False;

/* ------------------------------------------------------------------ threads, signals, the kernel's hands */

static void start_client_code(ThreadId tid, ULong blocks)
{
   static ThreadId running = 0;
   runs_settle();
   if (tid != running) {
      running = tid;
      runs_forget();
      begin_event(EV_THREAD);
      put_number(tid);
      put_number(VG_(gettid)());
   }
   runs_flush_if_old();
}

static void thread_created(ThreadId parent, ThreadId tid)
{
   begin_event(EV_THREAD_CREATE);
   put_number(parent);
   put_number(tid);
}

static void thread_ended(ThreadId tid)
{
   begin_event(EV_THREAD_EXIT);
   put_number(tid);
}

static void signal_delivered(ThreadId tid, Int number, Bool on_alternate_stack)
{
   begin_event(EV_SIGNAL);
   put_number(tid);
   put_number(number);
   put_number(on_alternate_stack);
}

static void signal_frame(Addr address, SizeT length, ThreadId tid)
{
   begin_event(EV_SIGNAL_FRAME);
   put_number(tid);
   put_number(address);
   put_number(length);
}

static void kernel_access(EventType type, Addr address, SizeT length)
{
   if (length == 0) return;
   begin_event(type);
   put_number(address);
   put_number(length);
}

static void kernel_reads(CorePart part, ThreadId tid, const HChar* what, Addr address, SizeT length)
{
   if (part == Vg_CoreSysCall) kernel_access(EV_KERNEL_READ, address, length);
}

static void kernel_reads_text(CorePart part, ThreadId tid, const HChar* what, Addr address)
{
   if (part == Vg_CoreSysCall && VG_(am_is_valid_for_client)(address, 1, VKI_PROT_READ))
      kernel_access(EV_KERNEL_READ, address, VG_(strlen)((const HChar*)address) + 1);
}

static void kernel_wrote(CorePart part, ThreadId tid, Addr address, SizeT length)
{
   if (part == Vg_CoreSysCall) kernel_access(EV_KERNEL_WRITE, address, length);
}

/* ------------------------------------------------------------------ options, beginning and end */

static Bool option(const HChar* arg)
{
   if VG_STR_CLO(arg, "--recorder", recorder) {}
   else if VG_BINT_CLO(arg, "--window", window_instructions, 0, 2000000000) {}
   else if VG_BOOL_CLO(arg, "--as-valgrind", as_valgrind) {}
   else return False;
   return True;
}

static void usage(void)
{
   VG_(printf)(
      "    --recorder=SOCKET     Unix-domain socket that takes the blocks (needed)\n"
      "    --window=N            first touches per window of N instructions [0: every run]\n"
      "    --as-valgrind=yes|no  leave heap and LD_PRELOAD as Valgrind makes them [no]\n");
}

/* Valgrind opens its log at the lowest free descriptor, moves it up, and leaves the low one open: the program would find its first
   file at another number than natively. The log lies in the recorder's folder; nothing of the program's does. */
static void close_leaked_log(void)
{
   enum { FIRST_FREE = 3, LAST_LIKELY = 15 };
   SizeT folder = VG_(strrchr)(recorder, '/') - recorder + 1;
   Int   fd;
   for (fd = FIRST_FREE; fd <= LAST_LIKELY; fd++) {
      const HChar* path;
      if (VG_(resolve_filename)(fd, &path) && VG_(strncmp)(path, recorder, folder) == 0) VG_(close)(fd);
   }
}

static void after_options(void)
{
   if (!recorder || recorder[0] != '/') VG_(fmsg_bad_option)("--recorder", "needed: the absolute path of the recorder's socket\n");
   close_leaked_log();
   if (!as_valgrind) {
      heap_make_room();
      hide_preload();
   }
   syscalls_init();
   stream_connect(recorder);
   tell_start();
}

static void at_end(Int always_zero)
{
   begin_event(EV_END);
   put_signed(exit_code);
   runs_flush();
   stream_close();
}

static void before_options(void)
{
   VG_(details_name)("pagetrace");
   VG_(details_version)("1");
   VG_(details_description)("a recorder of page runs");
   VG_(details_copyright_author)("Part of Faultline; GPL-2.0-or-later.");
   VG_(details_bug_reports_to)("the Faultline project");
   VG_(details_avg_translation_sizeB)(600);

   VG_(basic_tool_funcs)(after_options, instrument, at_end);
   VG_(needs_command_line_options)(option, usage, usage);
   VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
   VG_(track_start_client_code)(start_client_code);
   VG_(track_pre_thread_ll_create)(thread_created);
   VG_(track_pre_thread_ll_exit)(thread_ended);
   VG_(track_pre_mem_read)(kernel_reads);
   VG_(track_pre_mem_read_asciiz)(kernel_reads_text);
   VG_(track_post_mem_write)(kernel_wrote);
   VG_(track_pre_deliver_signal)(signal_delivered);
   VG_(track_new_mem_stack_signal)(signal_frame);
   VG_(atfork)(before_fork, NULL, after_fork_in_child);
}

VG_DETERMINE_INTERFACE_VERSION(before_options)
