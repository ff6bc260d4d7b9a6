// What Linux answers to src/machine/shm.test.ts: gcc -O1 scripts/native/shm.c -o /tmp/shm && /tmp/shm
// As root, with `sysctl vm.nr_hugepages=5` for the second half. Errors are negative errno values.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL(e) ({ errno = 0; long r = (long)(e); r == -1 ? -(long)errno : r; })
#define SHOW(name, e) do { long v = CALL(e); printf("%s: %ld\n", name, v < 0 ? v : v > 0); } while (0)
#define SPACE (128L << 20)

static void segments(const char *name, int kind, long unit) {
  const int key = 0x77aa1234;
  struct shmid_ds d;
  printf("-- %s\n", name);
  SHOW("no such key", shmget(key, unit, kind | 0600));
  SHOW("no size", shmget(key, 0, IPC_CREAT | kind | 0600));
  long id = CALL(shmget(key, 2 * unit, IPC_CREAT | kind | 0640));
  if (id < 0) { printf("not made: %ld\n", id); return; }
  SHOW("exists", shmget(key, unit, IPC_CREAT | IPC_EXCL | kind | 0600));
  SHOW("too large", shmget(key, 3 * unit, kind));
  printf("found: %d\n", shmget(key, unit, kind) == id);
  fflush(stdout);
  if (fork() == 0) {
    if (setgid(65534) || setuid(65534)) _exit(1);
    SHOW("another user finds", shmget(key, unit, kind | 0600));
    SHOW("another user attaches", shmat(id, 0, 0));
    SHOW("another user removes", shmctl(id, IPC_RMID, 0));
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  char *at = shmat(id, 0, 0);
  printf("offset: %ld\n", (long)at % unit);
  at[unit] = 42;
  SHOW("at a mapping", shmat(id, at, 0));
  SHOW("at an odd address", shmat(id, at - SPACE + 4095, 0));
  printf("rounded: %d\n", shmat(id, at - SPACE + 4095, SHM_RND | SHM_RDONLY) == at - SPACE);
  SHOW("remap anywhere", shmat(id, 0, SHM_REMAP));
  int wake[2];
  char byte;
  if (pipe(wake)) exit(1);
  if (fork() == 0) _exit(read(wake[0], &byte, 1) != 1);
  shmctl(id, IPC_STAT, &d);
  printf("attached: %ld\n", (long)d.shm_nattch);
  SHOW("removed", shmctl(id, IPC_RMID, 0));
  SHOW("its key", shmget(key, unit, kind));
  SHOW("detached in the middle", shmdt(at + 4096));
  SHOW("detached", shmdt(at));
  SHOW("detached the other", shmdt(at - SPACE));
  SHOW("detached again", shmdt(at));
  SHOW("seen", shmctl(id, IPC_STAT, &d));
  printf("key: %d\n", d.shm_perm.__key);
  if (write(wake[1], "x", 1) != 1) exit(1);
  wait(0);
  SHOW("seen after the last", shmctl(id, IPC_STAT, &d));
}

int main(void) {
  segments("small pages", 0, 4096);
  segments("huge pages", SHM_HUGETLB, 2 << 20);
  long id = CALL(shmget(0x77aa1234, (3 << 20) + 1, IPC_CREAT | SHM_HUGETLB | 0600));
  if (id < 0) return 0;
  char *at = shmat(id, 0, 0);
  char line[256];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps))
    if (strstr(line, "SYSV")) {
      unsigned long start, end;
      sscanf(line, "%lx-%lx", &start, &end);
      printf("-- 3 MiB and a byte: %lu pages %s", (end - start) / 4096, strrchr(line, '/'));
    }
  shmdt(at);
  shmctl(id, IPC_RMID, 0);
}
