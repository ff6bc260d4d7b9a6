/* The current pages, and what becomes of an access to another one.

   Instrumented code compares each access with the page that was current for its kind and calls a helper below only when they
   differ. In exact mode one data page is current; a page only read so far is current for loads alone, so that the first
   store shows. In windowed mode many pages are current at once, in a direct-mapped filter, until the window ends.

   SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagetrace.h"

Addr  read_pages[FILTER_PAGES], write_pages[FILTER_PAGES], fetch_pages[FILTER_PAGES];
ULong progress, stores_done;
Int   window_instructions = 0;

/* Instructions and accesses up to the last settling; `progress` holds what came after. */
static ULong settled_instructions, settled_accesses;
/* The open data run's first access, counted from the start; its page is in read_pages. */
static Bool  data_open = False;
static ULong data_start;
static ULong window_end;

#define OLD_MS 500

#define INSTRUCTION_BITS 36
static inline ULong progress_instructions(void) { return progress & ((1UL << INSTRUCTION_BITS) - 1); }
static inline ULong progress_accesses(void) { return progress >> INSTRUCTION_BITS; }
static inline UInt  place_of(Addr page) { return window_instructions ? (page >> 12) & (FILTER_PAGES - 1) : 0; }

/* Windowed mode: which pages the window has touched, by kind. The filter is small enough for the processor's cache and forgets by
   chance; this does not, up to the gigabyte that a window may touch. A place holds a page's number and the window's. */
#define SEEN_PLACES   (1 << 18)
#define WINDOW_BITS   24
static ULong seen[3][SEEN_PLACES];
static ULong this_window = 1;

static inline Bool seen_before(UInt kind, Addr page)
{
   ULong  number = page >> 12, mark = number << WINDOW_BITS | this_window;
   ULong* place = &seen[kind][((UInt)number * 0x9E3779B1U) >> 14];
   if (*place == mark) return True;
   *place = mark;
   return False;
}

static void forget_pages(void)
{
   UInt i, n = window_instructions ? FILTER_PAGES : 1;
   for (i = 0; i < n; i++) read_pages[i] = write_pages[i] = fetch_pages[i] = NO_PAGE;
   if (++this_window >> WINDOW_BITS == 0) return;
   /* So many windows that their numbers begin again. */
   this_window = 1;
   VG_(memset)(seen, 0, sizeof seen);
}

void runs_reset(void)
{
   progress = stores_done = settled_instructions = settled_accesses = 0;
   data_open = False;
   window_end = window_instructions;
   forget_pages();
}

static void settle(void)
{
   settled_instructions += progress_instructions();
   settled_accesses += progress_accesses();
   progress = 0;
}

/* Ends the open data run, if any, where the accesses before its end number `accesses`. A fault in the middle of a block of code
   leaves the block's last accesses uncounted; the run has at least the one that began it. */
static inline void end_data_run(ULong accesses)
{
   if (!data_open) return;
   if (UNLIKELY(accesses <= data_start)) {
      settled_accesses += data_start + 1 - accesses;
      accesses = data_start + 1;
   }
   record_count(accesses - data_start);
   data_open = False;
}

void runs_forget(void)
{
   settle();
   end_data_run(settled_accesses);
   forget_pages();
}

void runs_pause(void)
{
   if (window_instructions) settle();
   else runs_forget();
   if (stream_full()) runs_flush();
}

ULong runs_instruction(void) { return settled_instructions; }

void runs_flush(void)
{
   runs_forget();
   stream_send(settled_instructions, stores_done);
}

/* A window ends unseen by the runs: the accesses after it go on counting to the page touched last. */
static void start_window(ULong instruction)
{
   window_end = instruction + window_instructions;
   forget_pages();
   if (!stream_full()) record_event(EV_WINDOW, instruction);
}

void runs_settle(void)
{
   settle();
   if (window_instructions && settled_instructions >= window_end) start_window(settled_instructions);
}

void runs_flush_if_old(void)
{
   if (stream_age() > OLD_MS) runs_flush();
}

/* ------------------------------------------------------------------ helpers of instrumented code */

/* Called within a block of code, whose part so far is in the description but not yet in the counters. */
static inline void make_room(ULong instruction, ULong accesses)
{
   if (LIKELY(!stream_full())) return;
   end_data_run(accesses);
   forget_pages();
   stream_send(instruction, stores_done);
}

/* A data access to `page`, which is not current for its kind; `before` accesses precede it. */
static inline void begin_data_run(UInt kind, Addr page, ULong instruction, ULong before)
{
   UInt place = place_of(page);
   if (window_instructions && seen_before(kind, page)) {
      read_pages[place] = page;
      if (kind == WRITE) write_pages[place] = page;
      return;
   }
   end_data_run(before);
   make_room(instruction, before);
   record_run(kind, page, instruction);
   data_open = True;
   data_start = before;
   read_pages[place] = page;
   if (kind == WRITE) write_pages[place] = page;
   else if (!window_instructions) write_pages[place] = NO_PAGE;
   /* A page that was written need not be told as read. */
   if (window_instructions && kind == WRITE) seen_before(READ, page);
}

/* The pages of one access, one or two; each may be current already. */
static inline void on_data(UInt kind, const Addr* current, Addr address, UWord description)
{
   UInt  bytes = description & MAX_BYTES, several = (description >> 12) & 1;
   UInt  instructions = (description >> 13) & MAX_INSTRUCTIONS, accesses = description >> 22;
   Addr  first = PAGE_BASE(address), last = PAGE_BASE(address + bytes - 1);
   ULong instruction = settled_instructions + progress_instructions() + instructions;
   ULong before = settled_accesses + progress_accesses() + accesses - 1;

   if (window_instructions && UNLIKELY(instruction >= window_end)) start_window(instruction);
   if (current[place_of(first)] != first) begin_data_run(kind, first, instruction, before);
   if (LIKELY(first == last)) return;
   if (current[place_of(last)] != last) begin_data_run(kind, last, instruction, before + 1);
   /* An access that crosses pages is one of each. */
   if (!several) {
      settled_accesses++;
      if (kind == WRITE) stores_done++;
   }
}

VG_REGPARM(2) void on_load(Addr address, UWord description) { on_data(READ, read_pages, address, description); }
VG_REGPARM(2) void on_store(Addr address, UWord description) { on_data(WRITE, write_pages, address, description); }

VG_REGPARM(2) void on_fetch(Addr address, UWord description)
{
   Addr  page = PAGE_BASE(address);
   UInt  instructions = (description >> 13) & MAX_INSTRUCTIONS, accesses = description >> 22;
   ULong instruction = settled_instructions + progress_instructions() + instructions;

   if (window_instructions && UNLIKELY(instruction >= window_end)) start_window(instruction);
   fetch_pages[place_of(page)] = page;
   if (window_instructions && seen_before(FETCH, page)) return;
   make_room(instruction, settled_accesses + progress_accesses() + accesses);
   record_run(FETCH, page, instruction);
   fetch_pages[place_of(page)] = page;
}
