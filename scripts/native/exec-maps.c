/* exec-maps COMMAND...: prints the maps of a program at its first instruction, without address-space randomisation. */
#include <stdio.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  personality(0xffffffff);
  pid_t child = vfork();
  if (child == 0) {
    personality(ADDR_NO_RANDOMIZE);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return 1;
  char line[4096];
  snprintf(line, sizeof line, "/proc/%d/maps", child);
  FILE *maps = fopen(line, "r");
  while (maps && fgets(line, sizeof line, maps)) fputs(line, stdout);
  snprintf(line, sizeof line, "/proc/%d/stat", child);
  FILE *stat = fopen(line, "r");
  if (stat && fgets(line, sizeof line, stat)) fputs(line, stdout);
  ptrace(PTRACE_KILL, child, 0, 0);
  return 0;
}
