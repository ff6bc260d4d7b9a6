// Works on a heap of a few MiB for a while: a program that huge pages have nothing to give.
//   gcc -O2 -o small-heap small-heap.c && faultline record -o small-heap.flt -- ./small-heap 4 200
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  size_t mib = argc > 1 ? strtoul(argv[1], 0, 0) : 4, rounds = argc > 2 ? strtoul(argv[2], 0, 0) : 200;
  size_t chunks = mib * 256;
  uint32_t **chunk = malloc(chunks * sizeof *chunk);
  uint64_t sum = 0;
  for (size_t i = 0; i < chunks; i++) chunk[i] = calloc(1000, sizeof **chunk);
  for (size_t round = 0; round < rounds; round++)
    for (size_t i = 0; i < chunks; i++)
      for (size_t k = 0; k < 1000; k++) sum += chunk[i][k] += round ^ k;
  printf("%llu\n", (unsigned long long)sum);
  return 0;
}
