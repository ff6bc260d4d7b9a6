/*
 * Reads or writes pages of a real file under a real memory cgroup (version 1), one after the other, and counts how many
 * were not in the page cache when they were asked for, as cachestat(2) says. Needs root, and a kernel from 6.5 on.
 *
 *   cache-limit FILE PAGES LIMIT REQUESTS [EVERY [ahead]]      gcc -O2 -o cache-limit cache-limit.c
 *
 * FILE is made new, PAGES long, on the disk and not cached. REQUESTS is a file of 32-bit page numbers, the top bit set for
 * a write. The process joins a cgroup with a limit of LIMIT pages when all of its own memory is there, so that nothing but
 * the file's pages, and the kernel's memory for them, is charged to it. Prints one line of JSON.
 *
 * Reclaim judges the balance of the lists by statistics that the kernel adds up every two seconds only, or when somebody
 * reads memory.stat. A trace of hours in a second would be served by statistics of before its beginning, so memory.stat is
 * read after each EVERY requests (default 32); 0 leaves it. Nothing is read ahead (POSIX_FADV_RANDOM) without `ahead`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096L
#define GROUP "/sys/fs/cgroup/memory/faultline-cache"
#define CACHESTAT 451
#define WRITE 0x80000000u

static void fail(const char *what) {
  perror(what);
  rmdir(GROUP);
  exit(1);
}

static void put(const char *file, long value) {
  char path[256], text[32];
  snprintf(path, sizeof path, GROUP "/%s", file);
  int fd = open(path, O_WRONLY), length = snprintf(text, sizeof text, "%ld", value);
  if (fd < 0 || write(fd, text, length) != length) fail(path);
  close(fd);
}

/* One line of memory.stat, or a whole file that holds a number. */
static long get(const char *file, const char *key) {
  char path[256], line[256];
  snprintf(path, sizeof path, GROUP "/%s", file);
  FILE *f = fopen(path, "r");
  if (!f) fail(path);
  long value = -1;
  while (fgets(line, sizeof line, f)) {
    size_t n = key ? strlen(key) : 0;
    if (!key || (strncmp(line, key, n) == 0 && line[n] == ' ')) value = atol(line + n);
  }
  fclose(f);
  return value;
}

static char buffer[1 << 20];

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "usage: cache-limit FILE PAGES LIMIT REQUESTS [EVERY [ahead]]\n"), 2;
  long pages = atol(argv[2]), limit = atol(argv[3]), every = argc > 5 ? atol(argv[5]) : 32;
  int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) fail(argv[1]);
  memset(buffer, 1, sizeof buffer);
  for (long at = 0; at < pages * PAGE; at += sizeof buffer) {
    long rest = pages * PAGE - at, n = rest < (long)sizeof buffer ? rest : (long)sizeof buffer;
    if (write(fd, buffer, n) != n) fail("write");
  }
  if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)) fail("fsync");
  if (posix_fadvise(fd, 0, 0, argc > 6 ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM)) fail("fadvise");

  int input = open(argv[4], O_RDONLY);
  struct stat st;
  if (input < 0 || fstat(input, &st)) fail(argv[4]);
  uint32_t *requests = mmap(0, st.st_size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (requests == MAP_FAILED || read(input, requests, st.st_size) != st.st_size) fail("read");
  close(input);
  long count = st.st_size / 4, misses = 0;

  rmdir(GROUP);
  if (mkdir(GROUP, 0755)) fail(GROUP);
  put("memory.limit_in_bytes", limit * PAGE);
  put("cgroup.procs", getpid());
  for (long i = 0; i < count; i++) {
    uint64_t range[2] = {(requests[i] & ~WRITE) * (uint64_t)PAGE, PAGE}, stat[5];
    if (syscall(CACHESTAT, fd, range, stat, 0)) fail("cachestat");
    if (stat[0] == 0) misses++;
    long done = requests[i] & WRITE ? pwrite(fd, buffer, PAGE, range[0]) : pread(fd, buffer, PAGE, range[0]);
    if (done != PAGE) fail("pread or pwrite");
    if (every > 0 && i % every == 0) get("memory.stat", "cache");
  }
  printf("{\"requests\":%ld,\"misses\":%ld,\"usage\":%ld,\"kernel\":%ld,\"refaulted\":%ld,\"active\":%ld,\"inactive\":%ld}\n",
         count, misses, get("memory.usage_in_bytes", 0) / PAGE, get("memory.kmem.usage_in_bytes", 0) / PAGE,
         get("memory.stat", "workingset_refault_file"), get("memory.stat", "active_file") / PAGE,
         get("memory.stat", "inactive_file") / PAGE);
  close(fd);
  unlink(argv[1]);
  int procs = open("/sys/fs/cgroup/memory/cgroup.procs", O_WRONLY);
  if (procs < 0 || write(procs, "0", 1) != 1) fail("cgroup.procs");
  put("memory.force_empty", 0);
  return rmdir(GROUP) ? (perror(GROUP), 1) : 0;
}
