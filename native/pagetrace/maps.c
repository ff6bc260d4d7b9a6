/* What the process has mapped and opened, the heap that brk moves, and the start of a program.

   SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagetrace.h"

/* ------------------------------------------------------------------ the heap */

/* Valgrind keeps 8 MiB for brk, and a program that gets no more falls back to mmap: other system calls, another map. So brk gets
   a place of its own before the program starts: what the core did in setup_client_dataseg(), one page and a reservation
   behind it, again, but larger. */
#define HEAP_BASE  0xD00000000UL
#define HEAP_BYTES (12UL << 30)

void heap_make_room(void)
{
   Bool   ok = False, held_code;
   SysRes page;
   Addr   place = VG_(am_get_advisory_client_simple)(HEAP_BASE, HEAP_BYTES, &ok);
   if (!ok || place != HEAP_BASE) return;
   page = VG_(am_mmap_anon_fixed_client)(HEAP_BASE, PAGE_BYTES, VKI_PROT_READ | VKI_PROT_WRITE);
   if (sr_isError(page)) return;
   if (!VG_(am_create_reservation)(HEAP_BASE + PAGE_BYTES, HEAP_BYTES - PAGE_BYTES, SmLower, PAGE_BYTES)) return;
   VG_(am_munmap_client)(&held_code, VG_PGROUNDDN(VG_(brk_base)), PAGE_BYTES);
   VG_(brk_base) = VG_(brk_limit) = HEAP_BASE;
}

/* ------------------------------------------------------------------ the environment */

static Bool starts_with(const HChar* text, const HChar* beginning)
{
   return VG_(strncmp)(text, beginning, VG_(strlen)(beginning)) == 0;
}

/* Valgrind puts a library of its own before LD_PRELOAD, for services that we do not use. The program must not load it: its pages are not
   the program's. What the user preloads stays. */
void hide_preload(void)
{
   HChar** variable;
   for (variable = VG_(client_envp); variable && *variable; variable++) {
      HChar *value, *rest;
      if (!starts_with(*variable, "LD_PRELOAD=") || !VG_(strstr)(*variable, "vgpreload_core")) continue;
      value = *variable + VG_(strlen)("LD_PRELOAD=");
      rest = VG_(strchr)(value, ':');
      if (rest) {
         while ((*value++ = *++rest)) {}
      } else {
         (*variable)[0] = 'V';
         (*variable)[1] = 'G';
      }
   }
}

/* Only in the environment because of us. */
static Bool is_ours(const HChar* variable)
{
   return starts_with(variable, "VALGRIND_") || starts_with(variable, "VG_PRELOAD=");
}

/* ------------------------------------------------------------------ files */

#define MAX_FD 4096

typedef struct { UInt id; Bool regular; } OpenFile;
static OpenFile open_files[MAX_FD];   /* id 0: not yet told */
static UInt     next_file = 1;

/* Exact in a double; see "Numbers" in recording-format.md. */
static ULong fold_inode(ULong inode) { return (inode & ((1UL << 53) - 1)) ^ inode >> 53; }

/* The event's number of the file behind a descriptor, which it tells when it is new; 0 if there is none. */
UInt file_behind(Int fd)
{
   struct vg_stat status;
   const HChar*   path = NULL;
   OpenFile*      file;

   if (fd < 0 || fd >= MAX_FD) return 0;
   file = &open_files[fd];
   if (file->id) return file->id;
   if (VG_(fstat)(fd, &status) != 0) return 0;
   VG_(resolve_filename)(fd, &path);
   file->id = next_file++;
   file->regular = VKI_S_ISREG(status.mode);
   begin_event(EV_FILE);
   put_number(file->id);
   put_number(fd);
   put_number(status.dev);
   put_number(fold_inode(status.ino));
   put_number(status.size);
   put_number(status.mode);
   put_text(path);
   return file->id;
}

Bool file_is_regular(Int fd) { return fd >= 0 && fd < MAX_FD && open_files[fd].regular; }

void file_forget(Int fd)
{
   if (fd >= 0 && fd < MAX_FD) open_files[fd] = (OpenFile){ 0, False };
}

void file_forget_all(void) { VG_(memset)(open_files, 0, sizeof open_files); }

/* ------------------------------------------------------------------ the map */

#define MAX_SEGMENTS 4096

enum { SEGMENT_FILE = 8, SEGMENT_SHARED = 16, SEGMENT_HEAP = 32, SEGMENT_STACK = 64 };

/* Valgrind lends the program one page of its own image, for the returns of signal handlers. What happens there is not the program's. */
Bool is_valgrinds_own(Addr address)
{
   const NSegment* lent = VG_(am_find_nsegment)(address);
   const NSegment* own = VG_(am_find_nsegment)((Addr)&is_valgrinds_own);
   return lent && own && own->ino && lent->dev == own->dev && lent->ino == own->ino;
}

static Bool holds(const NSegment* segment, Addr address) { return segment->start <= address && address <= segment->end; }

static UInt segment_flags(const NSegment* segment)
{
   UInt flags = (segment->hasR ? 1 : 0) | (segment->hasW ? 2 : 0) | (segment->hasX ? 4 : 0);
   if (segment->kind == SkFileC) flags |= SEGMENT_FILE;
   if (segment->kind == SkShmC) flags |= SEGMENT_SHARED;
   if (segment->kind == SkAnonC && holds(segment, VG_(brk_base))) flags |= SEGMENT_HEAP;
   if (segment->kind == SkAnonC && holds(segment, (Addr)VG_(client_envp))) flags |= SEGMENT_STACK;
   return flags;
}

void tell_segments(void)
{
   static Addr starts[MAX_SEGMENTS];
   Int i, n = VG_(am_get_segment_starts)(SkFileC | SkAnonC | SkShmC, starts, MAX_SEGMENTS);
   if (n < 0) {
      VG_(umsg)("pagetrace: more than %d mappings; the recording lacks this process's map\n", MAX_SEGMENTS);
      return;
   }
   for (i = 0; i < n; i++) {
      const NSegment* segment = VG_(am_find_nsegment)(starts[i]);
      if (!segment || is_valgrinds_own(segment->start)) continue;
      begin_event(EV_SEGMENT);
      put_number(segment->start);
      put_number(segment->end + 1 - segment->start);
      put_number(segment_flags(segment));
      put_number(segment->dev);
      put_number(fold_inode(segment->ino));
      put_number(segment->kind == SkFileC ? segment->offset : 0);
      put_text(VG_(am_get_filename)(segment));
   }
}

/* The command, or what execve made of the process. The stack is as the kernel would have laid it out: argc, argv, envp. */
void tell_start(void)
{
   static const UWord most_told = 32;
   UWord*       argc;
   const HChar *const *argv, *const *variable, *executable = NULL;
   ULong argument_bytes = 0, environment_bytes = 0, variables = 0;
   UWord i;

   /* envp stands behind argc, argv and argv's end. */
   for (argc = (UWord*)VG_(client_envp) - 2; *argc != (UWord)((UWord*)VG_(client_envp) - argc - 2); argc--) {}
   argv = (const HChar* const*)(argc + 1);
   for (i = 0; i < *argc; i++) argument_bytes += VG_(strlen)(argv[i]) + 1;
   for (variable = (const HChar* const*)VG_(client_envp); *variable; variable++) {
      if (is_ours(*variable)) continue;
      variables++;
      environment_bytes += VG_(strlen)(*variable) + 1;
   }
   VG_(resolve_filename)(VG_(cl_exec_fd), &executable);

   begin_event(EV_START);
   put_number(VG_(getpid)());
   put_number(VG_(getppid)());
   put_number(VG_(brk_base));
   put_number((Addr)argc);
   put_number(argument_bytes);
   put_number(environment_bytes);
   put_number(variables);
   put_text(executable);
   put_number(*argc < most_told ? *argc : most_told);
   for (i = 0; i < *argc && i < most_told; i++) put_text(argv[i]);
   tell_segments();
}
