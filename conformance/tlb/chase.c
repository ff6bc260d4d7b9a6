// How long one load of a chain of loads takes, by how many pages the chain visits: what a processor's TLBs hold, and what
// their misses cost, where no counter of the processor can be asked.
//
//   chase KIND ORDER PAGES...
//
//   KIND    4k, thp (2 MiB pages by madvise), hugetlb (2 MiB pages of the pool), hugetlb1g (1 GiB pages of the pool)
//   ORDER   random (every page once in a shuffled order) or forward (ascending)
//   PAGES   how many pages of that kind the chain visits
//
// `-n LOADS` before KIND: only so many loads of the spread chain of the first number of pages, untimed, for perf stat: the
// difference of two such runs is free of the preparations.
// `-s PAGES` before KIND (4k only): visits every so many pages, so that the pages of a chain share fewer sets of a TLB.
// `-o BYTES` before KIND: by how much the line's offset grows from page to page (default 64 with 4k, else 4160, so that the
// 4 KiB pieces of huge pages lie apart, should the machine below keep those).
//
// One chain is spread, a cache line in each page, at offsets that use all sets of the data caches alike; the other has as
// many lines, visited in the same order, packed together in huge pages. Both need the same data cache, so the difference
// is translation. Prints a JSON line for each number of pages: nanoseconds a load of either chain (least, lower tenth, lower
// quarter and middle of 9 to 101 repetitions), and the core's clock. Build: gcc -O2 -o chase chase.c
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE 14
#define MADV_NOHUGEPAGE 15
#endif
#define LINE 64UL
#define REPETITIONS 101
#define FEWEST_REPETITIONS 9
#define MOST_NANOSECONDS 3e8
#define LEAST_LOADS (1UL << 16)
static const size_t HUGE_2M = 1UL << 21;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

// Memory that begins at a multiple of `align`.
static char *map(size_t bytes, size_t align, int flags) {
  char *at = mmap(0, bytes + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (at == MAP_FAILED) fail("mmap");
  return (char *)(((uintptr_t)at + align - 1) & ~(align - 1));
}

static char *memory(const char *kind, size_t pages, size_t stride, size_t *unit) {
  *unit = 4096 * stride;
  if (!strcmp(kind, "4k")) {
    char *at = map(pages * *unit, HUGE_2M, MAP_NORESERVE);
    madvise(at, pages * *unit, MADV_NOHUGEPAGE);
    return at;
  }
  *unit = HUGE_2M;
  if (!strcmp(kind, "thp")) {
    char *at = map(pages * HUGE_2M, HUGE_2M, 0);
    if (madvise(at, pages * HUGE_2M, MADV_HUGEPAGE)) fail("madvise");
    return at;
  }
  int size = 21;
  if (!strcmp(kind, "hugetlb1g")) *unit = 1UL << (size = 30);
  else if (strcmp(kind, "hugetlb")) {
    fprintf(stderr, "chase: KIND %s is none of 4k, thp, hugetlb, hugetlb1g\n", kind);
    exit(2);
  }
  char *at = mmap(0, pages * *unit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (size << 26), -1, 0);
  if (at == MAP_FAILED) fail("mmap of huge pages (is the pool large enough?)");
  return at;
}

// How many kB of the mapping at `at` the kernel really has in huge pages.
static long huge_kb(char *at) {
  FILE *f = fopen("/proc/self/smaps", "r");
  char line[512];
  unsigned long from, to;
  int inside = 0;
  long kb = 0, n;
  while (f && fgets(line, sizeof line, f)) {
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) inside = from <= (uintptr_t)at && (uintptr_t)at < to;
    else if (inside && (sscanf(line, "AnonHugePages: %ld", &n) == 1 || sscanf(line, "Private_Hugetlb: %ld", &n) == 1)) kb += n;
  }
  if (f) fclose(f);
  return kb;
}

static uint64_t seed = 0x9e3779b97f4a7c15;
static uint64_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  return seed ^= seed << 17;
}

// Line i stands in unit i of memory; within the page its offset grows by `offset` from unit to unit.
struct layout {
  size_t unit, page, offset;
};
static char *line(char *base, struct layout l, size_t i) { return base + i * l.unit + i * l.offset % l.page; }

// Links the lines in the order given, the last to the first.
static void link_chain(char *base, struct layout l, const uint32_t *order, size_t count) {
  for (size_t i = 0; i < count; i++) *(char **)line(base, l, order[i]) = line(base, l, order[(i + 1) % count]);
}

static double chase(char *start, size_t loads) {
  char *p = start;
  double from = now();
  for (size_t i = 0; i < loads; i += 8)
    for (int k = 0; k < 8; k++) p = *(char *volatile *)p;
  double took = now() - from;
  if (!p) puts("");
  return took / loads;
}

// The core's clock in GHz: a loop whose iterations take one cycle each.
static double clock_rate(void) {
  double best = 1e9;
  for (int i = 0; i < 300; i++) {
    uint64_t n = 200000;
    double from = now();
    __asm__ volatile(".p2align 6\n1: dec %0\n jnz 1b" : "+r"(n));
    double each = (now() - from) / 200000;
    if (each < best) best = each;
  }
  return 1 / best;
}

static int by_size(const void *a, const void *b) {
  return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

// Least, lower tenth, lower quarter and middle of the repetitions: others' work on the machine only ever adds.
static void print_times(const char *name, double *ns, int n) {
  qsort(ns, n, sizeof *ns, by_size);
  printf("\"%s\":[%.3f,%.3f,%.3f,%.3f]", name, ns[0], ns[n / 10], ns[n / 4], ns[n / 2]);
}

int main(int argc, char **argv) {
  size_t offset = 0, stride = 1, only = 0;
  while (argc > 2 && argv[1][0] == '-') {
    *(argv[1][1] == 's' ? &stride : argv[1][1] == 'n' ? &only : &offset) = strtoul(argv[2], 0, 0);
    argv += 2;
    argc -= 2;
  }
  if (argc < 4) {
    fprintf(stderr, "usage: chase [-n LOADS] [-s PAGES] [-o BYTES] 4k|thp|hugetlb|hugetlb1g random|forward PAGES...\n");
    return 2;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);
  int shuffled = !strcmp(argv[2], "random");
  size_t most = 0, unit;
  for (int i = 3; i < argc; i++)
    if (strtoul(argv[i], 0, 0) > most) most = strtoul(argv[i], 0, 0);
  char *base = memory(argv[1], most, stride, &unit);
  int small = !strcmp(argv[1], "4k");
  if (offset == 0) offset = small ? LINE : 4096 + LINE;
  struct layout spread = {unit, small ? 4096 : unit, offset}, dense = {LINE, LINE, 0};
  size_t packed_bytes = (most * LINE + HUGE_2M - 1) & ~(HUGE_2M - 1);
  char *packed = map(packed_bytes, HUGE_2M, 0);
  madvise(packed, packed_bytes, MADV_HUGEPAGE);
  memset(packed, 1, packed_bytes);
  for (size_t i = 0; i < most; i++) *line(base, spread, i) = 1;
  uint32_t *order = malloc(most * sizeof *order);
  for (int arg = 3; arg < argc; arg++) {
    size_t count = strtoul(argv[arg], 0, 0);
    size_t loads = (count * 2 > LEAST_LOADS ? count * 2 : LEAST_LOADS) & ~7UL;
    for (size_t i = 0; i < count; i++) order[i] = i;
    for (size_t i = count - 1; shuffled && i > 0; i--) {
      size_t j = next() % (i + 1);
      uint32_t t = order[i];
      order[i] = order[j];
      order[j] = t;
    }
    link_chain(base, spread, order, count);
    link_chain(packed, dense, order, count);
    if (only > 0) {
      chase(line(base, spread, order[0]), only);
      return 0;
    }
    double spread_ns[REPETITIONS], packed_ns[REPETITIONS];
    chase(line(base, spread, order[0]), count);
    chase(line(packed, dense, order[0]), count);
    int n = 0;
    for (double from = now(); n < REPETITIONS && (n < FEWEST_REPETITIONS || now() - from < MOST_NANOSECONDS); n++) {
      packed_ns[n] = chase(line(packed, dense, order[0]), loads);
      spread_ns[n] = chase(line(base, spread, order[0]), loads);
    }
    printf("{\"kind\":\"%s\",\"order\":\"%s\",\"pages\":%zu,\"stride\":%zu,\"huge_kb\":%ld,\"ghz\":%.3f,", argv[1], argv[2], count, stride,
           huge_kb(base), clock_rate());
    print_times("spread", spread_ns, n);
    printf(",");
    print_times("packed", packed_ns, n);
    puts("}");
    fflush(stdout);
  }
  return 0;
}
