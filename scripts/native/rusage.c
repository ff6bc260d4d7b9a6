/* rusage COMMAND...: runs a command without address-space randomisation and prints the page faults of it and its children,
   "minor major", on descriptor 3. The child shares this program's memory until it execs, so that it adds no fault of its own. */
#include <stdio.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  personality(0xffffffff); /* The page of this call is there before the child needs it. */
  pid_t child = vfork();
  if (child == 0) {
    personality(ADDR_NO_RANDOMIZE);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  wait4(child, &status, 0, &usage);
  dprintf(3, "%ld %ld\n", usage.ru_minflt, usage.ru_majflt);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
