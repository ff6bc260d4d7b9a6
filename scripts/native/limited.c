/*
 * limited LIMIT COMMAND...: runs a command in a real memory cgroup (version 1) of LIMIT bytes, without address-space
 * randomisation, and prints on descriptor 3 what it did: "minor major inBlocks outBlocks rchar swapIn swapOut killed".
 * Blocks are of 512 bytes, reads of swap among them; swapIn and swapOut are pages of the whole machine meanwhile: nobody else
 * should swap. The files that a command maps or reads are charged to the group as far as nobody had them in memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUP "/sys/fs/cgroup/memory/faultline-limited"

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail(path);
  close(fd);
}

/* A number behind a key at the beginning of a line. */
static long get(const char *path, const char *key) {
  char line[256];
  long value = -1;
  size_t length = strlen(key);
  FILE *file = fopen(path, "r");
  if (file == NULL) return value;
  while (value < 0 && fgets(line, sizeof line, file))
    if (strncmp(line, key, length) == 0) value = atol(line + length);
  fclose(file);
  return value;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  if (mkdir(GROUP, 0755) != 0 && errno != EEXIST) fail(GROUP);
  put(GROUP "/memory.limit_in_bytes", argv[1]);
  long in = get("/proc/vmstat", "pswpin "), out = get("/proc/vmstat", "pswpout ");
  char io[64];
  siginfo_t info;
  struct rusage usage;
  pid_t child = fork();
  if (child == 0) {
    put(GROUP "/cgroup.procs", "0");
    personality(ADDR_NO_RANDOMIZE);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  waitid(P_PID, child, &info, WEXITED | WNOWAIT);
  snprintf(io, sizeof io, "/proc/%d/io", child);
  long rchar = get(io, "rchar: ");
  int status;
  wait4(child, &status, 0, &usage);
  in = get("/proc/vmstat", "pswpin ") - in;
  out = get("/proc/vmstat", "pswpout ") - out;
  dprintf(3, "%ld %ld %ld %ld %ld %ld %ld %d\n", usage.ru_minflt, usage.ru_majflt, usage.ru_inblock, usage.ru_oublock,
          rchar, in, out, WIFSIGNALED(status));
  put(GROUP "/memory.force_empty", "0");
  rmdir(GROUP);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
