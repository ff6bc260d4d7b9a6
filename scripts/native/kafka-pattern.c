/*
 * The system calls of a Kafka broker on a real kernel, in real time: 16 KiB batches appended at 50 MiB/s with two mapped
 * indexes, a consumer at the end of the log, and one that comes back after half of the time and takes what it can. Sockets
 * are /dev/null. Tells what the consumers found cached (cachestat(2), before each fetch) and what was read for them.
 *
 *   kafka-pattern FOLDER SECONDS MIB_PER_SECOND [LIMIT_MIB]      gcc -O2 -o kafka-pattern kafka-pattern.c
 *
 * With a limit it joins a memory cgroup (version 1) of that size, which needs root. docs/handbook/services.md compares it
 * with `faultline service kafka`.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MIB (1L << 20)
#define BATCH 16384L
#define RATE (50 * MIB)
#define FETCH MIB
#define INDEX_BYTES (10 * MIB)
#define WARM_ENTRIES 1024
#define CACHESTAT 451

struct consumer {
  long at, pages, cached, bytes_read;
};

static int log_fd, null_fd;
static char *offsets, *times;
static long entries, end;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static long read_bytes(void) {
  char text[512];
  int fd = open("/proc/self/io", O_RDONLY);
  long n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n < 0 ? 0 : n] = 0;
  return atol(strstr(text, "\nread_bytes:") + 12);
}

static int make(const char *folder, const char *name) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) { perror(path); exit(1); }
  unlink(path);
  return fd;
}

static char *map_index(const char *folder, const char *name) {
  int fd = make(folder, name);
  if (ftruncate(fd, INDEX_BYTES) != 0) exit(1);
  return mmap(0, INDEX_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void join(long mib) {
  char path[200], text[40];
  snprintf(path, sizeof path, "/sys/fs/cgroup/memory/kafka-pattern-%d", getpid());
  mkdir(path, 0755);
  const char *files[] = {"memory.limit_in_bytes", "cgroup.procs"};
  for (int i = 0; i < 2; i++) {
    char file[260];
    snprintf(file, sizeof file, "%s/%s", path, files[i]);
    snprintf(text, sizeof text, "%ld", i == 0 ? mib * MIB : (long)getpid());
    int fd = open(file, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) { perror(file); exit(1); }
    close(fd);
  }
}

/* The binary search of AbstractIndex: the warm end first. */
static void search(long entry) {
  long low = 0, high = entries - 1, warm = high > WARM_ENTRIES ? high - WARM_ENTRIES : 0;
  if (entry < *(volatile long *)(offsets + warm * 8)) high = warm;
  else low = warm;
  while (low < high) {
    long middle = (low + high + 1) / 2;
    if (*(volatile long *)(offsets + middle * 8) <= entry) low = middle;
    else high = middle - 1;
  }
}

static long fetch(struct consumer *c) {
  long bytes = end - c->at < FETCH ? end - c->at : FETCH, before = read_bytes(), sent = 0;
  unsigned long range[2] = {c->at, bytes}, counts[5];
  off_t from = c->at;
  char header[17];
  search(c->at / BATCH);
  c->pages += (bytes + 4095) / 4096;
  if (syscall(CACHESTAT, log_fd, range, counts, 0) == 0) c->cached += counts[0];
  if (pread(log_fd, header, sizeof header, c->at) < 0) exit(1);
  while (sent < bytes) {
    long n = sendfile(null_fd, log_fd, &from, bytes - sent);
    if (n <= 0) break;
    sent += n;
  }
  c->at += sent;
  c->bytes_read += read_bytes() - before;
  return sent;
}

static void append(char *buffer, long n) {
  memset(buffer, n & 255, BATCH);
  if (write(log_fd, buffer, BATCH) != BATCH) exit(1);
  memcpy(offsets + entries * 8, &n, 8);
  memcpy(times + entries * 12, &n, 8);
  entries++;
  end += BATCH;
}

static void sleep_until(double due) {
  double wait = due - now();
  struct timespec t = {(long)wait, (long)((wait - (long)wait) * 1e9)};
  if (wait > 0) nanosleep(&t, 0);
}

int main(int argc, char **argv) {
  if (argc < 4) { fprintf(stderr, "usage: kafka-pattern FOLDER SECONDS MIB_PER_SECOND [LIMIT_MIB]\n"); return 2; }
  double seconds = atof(argv[2]), catch_up = atof(argv[3]) * MIB, interval = (double)BATCH / RATE;
  if (argc > 4) join(atol(argv[4]));
  log_fd = make(argv[1], "log");
  offsets = map_index(argv[1], "index");
  times = map_index(argv[1], "timeindex");
  null_fd = open("/dev/null", O_WRONLY);
  char *buffer = mmap(0, BATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct consumer tail = {0}, late = {0};
  double start = now(), next_late = start + seconds / 2;
  for (long n = 0;;) {
    double batch_due = start + (n + 1) * interval, due = batch_due < next_late ? batch_due : next_late;
    if (due >= start + seconds) break;
    sleep_until(due);
    if (batch_due <= next_late) {
      append(buffer, n++);
      while (tail.at < end) fetch(&tail);
      continue;
    }
    double begin = now();
    long sent = late.at < end ? fetch(&late) : 0;
    double ready = begin + sent / catch_up, other = sent > 0 ? now() : batch_due + 1e-6;
    next_late = ready > other ? ready : other;
  }
  printf("tail: %ld MiB, %.1f %% cached, %.1f MiB read; lagging: %ld MiB, %.1f %% cached, %.1f MiB read\n", tail.at / MIB,
         100.0 * tail.cached / tail.pages, tail.bytes_read / (double)MIB, late.at / MIB, 100.0 * late.cached / late.pages,
         late.bytes_read / (double)MIB);
  return 0;
}
