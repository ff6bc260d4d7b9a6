/* The columns of the block being filled, and the socket over which full ones go to the recorder.

   Every process has a connection of its own: a hello, then blocks exactly as the file stores them before compression. A block goes
   out when it is full, at a fork, before execve, and at the end; what a SIGKILL takes is the block being filled.

   SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagetrace.h"

#define BLOCK_RECORDS    (1 << 19)
/* The first block of a process; each is twice as long as the one before, so that a short recording too can be cut and still replay. */
#define FIRST_RECORDS    (1 << 14)
#define NUMBER_BYTES     10
#define EVENT_BYTES      (1 << 20)
/* No event is longer: texts are cut (put_text), and lists of them when this little room is left. */
#define EVENT_ROOM       (160 << 10)
#define TEXT_BYTES       4096
#define SLOTS            64

typedef struct {
   UInt  magic, stream, sequence, records;
   ULong first_instruction, instructions, loads, stores;
   UInt  page_bytes, count_bytes, gap_bytes, event_bytes;
} BlockHead;

/* `connection` names this connection for the life of the recording. A fork's child tells that of its parent and the
   parent's block after which its own may stand; others NO_BLOCK. */
typedef struct {
   UInt magic, pid, connection, parent_connection, parent_block, zero;
} Hello;
#define HELLO_MAGIC 0x31484c46 /* FLH1 */
#define BLOCK_MAGIC 0x31424c46 /* FLB1 */
#define NO_BLOCK    0xffffffffU

/* Large enough for the longest records, so that only their number is watched. */
static UChar heads[BLOCK_RECORDS], pages[BLOCK_RECORDS * NUMBER_BYTES], counts[BLOCK_RECORDS * NUMBER_BYTES],
   gaps[BLOCK_RECORDS * NUMBER_BYTES], events[EVENT_BYTES];
static UChar *head_at, *page_at, *count_at, *gap_at, *event_at;

static BlockHead block;
static UInt block_records;
/* Accesses of the block's runs so far; stores before the block; the instruction of the last record. */
static ULong block_accesses, start_stores, last_instruction;
static Addr  slots[2][SLOTS], last_new[2];

static UInt  sent_ms;
static HChar recorder_path[108];
static Int   recorder = -1;
static UInt  connection;

static inline UChar* number_to(UChar* at, ULong value)
{
   while (UNLIKELY(value >= 0x80)) {
      *at++ = (UChar)value | 0x80;
      value >>= 7;
   }
   *at++ = (UChar)value;
   return at;
}

static inline ULong zigzag(Long value) { return ((ULong)value << 1) ^ (ULong)(value >> 63); }

static void block_start(void)
{
   UInt i;
   head_at = heads; page_at = pages; count_at = counts; gap_at = gaps; event_at = events;
   for (i = 0; i < SLOTS; i++) slots[0][i] = slots[1][i] = NO_PAGE;
   last_new[0] = last_new[1] = 0;
   block_accesses = 0;
}

/* Watched by number for records, whose columns have room for the longest, and by bytes for events. */
Bool stream_full(void) { return head_at >= heads + block_records || event_at > events + EVENT_BYTES - EVENT_ROOM; }

UInt stream_age(void) { return VG_(read_millisecond_timer)() - sent_ms; }

/* ------------------------------------------------------------------ records */

static inline UInt slot_of(Addr number) { return ((UInt)number * 0x9E3779B1U) >> 26; }

static inline void record(UInt head, ULong instruction)
{
   /* Counters lag behind after a fault in the middle of a block of code; time does not run backwards. */
   if (UNLIKELY(instruction < last_instruction)) instruction = last_instruction;
   *head_at++ = (UChar)head;
   gap_at = number_to(gap_at, instruction - last_instruction);
   last_instruction = instruction;
}

void record_run(UInt kind, Addr page, ULong instruction)
{
   Addr number = page >> 12;
   UInt group = kind != FETCH, slot = slot_of(number);

   if (LIKELY(slots[group][slot] == page)) {
      record(kind | slot << 2, instruction);
      return;
   }
   record(ESCAPE | kind << 2, instruction);
   slots[group][slot] = page;
   page_at = number_to(page_at, zigzag((Long)(number - last_new[group])));
   last_new[group] = number;
}

void record_count(ULong accesses)
{
   count_at = number_to(count_at, accesses);
   block_accesses += accesses;
}

/* ------------------------------------------------------------------ events */

void record_event(EventType type, ULong instruction)
{
   record(ESCAPE | 3 << 2, instruction);
   *event_at++ = (UChar)type;
}

void begin_event(EventType type)
{
   runs_pause();
   record_event(type, runs_instruction());
}

void put_number(ULong value) { event_at = number_to(event_at, value); }
void put_signed(Long value) { put_number(zigzag(value)); }

void put_text(const HChar* text)
{
   UInt length = text ? VG_(strlen)(text) : 0;
   UInt room = events + EVENT_BYTES - event_at < TEXT_BYTES + NUMBER_BYTES ? 0 : TEXT_BYTES;
   if (length > room) length = room;
   put_number(length);
   VG_(memcpy)(event_at, text, length);
   event_at += length;
}

/* ------------------------------------------------------------------ the socket */

/* A recorder that went away ends the recording, not the program. MSG_NOSIGNAL: the program must not see a SIGPIPE. */
static void send_all(const void* bytes, SizeT length)
{
   const UChar* from = bytes;
   while (recorder >= 0 && length > 0) {
      SysRes sent = VG_(do_syscall)(__NR_sendto, recorder, (RegWord)from, length, VKI_MSG_NOSIGNAL, 0, 0, 0, 0);
      if (sr_isError(sent)) {
         if (sr_Err(sent) == VKI_EINTR) continue;
         VG_(umsg)("pagetrace: the recorder is gone; the program runs on unrecorded\n");
         stream_close();
         return;
      }
      from += sr_Res(sent);
      length -= sr_Res(sent);
   }
}

void stream_send(ULong instructions, ULong stores)
{
   if (head_at == heads && instructions == block.first_instruction) return;
   /* The counters may lag behind the records within a block of code. What they lag comes with the next block. */
   if (instructions < last_instruction) instructions = last_instruction;
   block.instructions = instructions - block.first_instruction;
   block.stores = stores - start_stores;
   if (block.stores > block_accesses) block.stores = block_accesses;
   block.loads = block_accesses - block.stores;
   block.records = head_at - heads;
   block.page_bytes = page_at - pages;
   block.count_bytes = count_at - counts;
   block.gap_bytes = gap_at - gaps;
   block.event_bytes = event_at - events;
   send_all(&block, sizeof block);
   send_all(heads, block.records);
   send_all(pages, block.page_bytes);
   send_all(counts, block.count_bytes);
   send_all(gaps, block.gap_bytes);
   send_all(events, block.event_bytes);
   sent_ms = VG_(read_millisecond_timer)();
   block.sequence++;
   block.first_instruction = last_instruction = instructions;
   start_stores += block.stores;
   if (block_records < BLOCK_RECORDS) block_records *= 2;
   block_start();
}

void stream_close(void)
{
   if (recorder >= 0) VG_(close)(recorder);
   recorder = -1;
}

/* Opens this process's connection and says hello. */
static void open_stream(UInt parent_connection, UInt parent_block)
{
   struct vki_sockaddr_un address;
   Hello  hello = { HELLO_MAGIC, VG_(getpid)(), 0, parent_connection, parent_block, 0 };
   SysRes made, connected;

   runs_reset();
   VG_(memset)(&block, 0, sizeof block);
   block.magic = BLOCK_MAGIC;
   start_stores = last_instruction = 0;
   block_records = FIRST_RECORDS;
   block_start();
   sent_ms = VG_(read_millisecond_timer)();
   /* A process is told from its program before execve, and from an earlier process of the same number. */
   hello.connection = connection = (UInt)__builtin_ia32_rdtsc() ^ hello.pid << 16;

   made = VG_(do_syscall)(__NR_socket, VKI_AF_UNIX, VKI_SOCK_STREAM, 0, 0, 0, 0, 0, 0);
   if (sr_isError(made)) {
      VG_(umsg)("pagetrace: no socket: error %lu\n", sr_Err(made));
      return;
   }
   /* Out of the program's sight, and closed by execve. */
   recorder = VG_(safe_fd)(sr_Res(made));
   VG_(memset)(&address, 0, sizeof address);
   address.sun_family = VKI_AF_UNIX;
   VG_(strcpy)(address.sun_path, recorder_path);
   connected = VG_(do_syscall)(__NR_connect, recorder, (RegWord)&address, sizeof address, 0, 0, 0, 0, 0);
   if (sr_isError(connected)) {
      VG_(umsg)("pagetrace: cannot reach the recorder: error %lu; this process runs unrecorded\n", sr_Err(connected));
      stream_close();
      return;
   }
   send_all(&hello, sizeof hello);
}

void stream_connect(const HChar* path)
{
   if (VG_(strlen)(path) >= sizeof recorder_path) {
      VG_(umsg)("pagetrace: the recorder's path is too long\n");
      VG_(exit)(2);
   }
   VG_(strcpy)(recorder_path, path);
   open_stream(0, NO_BLOCK);
}

/* The parent flushed before the fork, so the child's columns are empty; the parent's next block ends with the fork's return. */
void stream_reconnect_in_child(void)
{
   UInt parent_connection = connection, parent_block = block.sequence;
   stream_close();
   open_stream(parent_connection, parent_block);
}
