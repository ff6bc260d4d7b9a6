// A hash table of 1 GiB (or of so many MiB), filled with random keys and asked for them: a program for huge pages.
//   gcc -O2 -o hash-table hash-table.c && faultline record -o hash-table.flt -- ./hash-table 1024 2000000
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct slot {
  uint64_t key, value;
};

static uint64_t seed = 88172645463325252;
static uint64_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  return seed ^= seed << 17;
}

int main(int argc, char **argv) {
  size_t mib = argc > 1 ? strtoul(argv[1], 0, 0) : 1024, count = argc > 2 ? strtoul(argv[2], 0, 0) : 2000000;
  size_t slots = (mib << 20) / sizeof(struct slot), found = 0;
  struct slot *table = calloc(slots, sizeof *table);
  if (!table) return 1;
  for (size_t i = 0; i < count; i++) {
    uint64_t key = next() | 1;
    size_t at = key * 0x9e3779b97f4a7c15u % slots;
    while (table[at].key && table[at].key != key) at = (at + 1) % slots;
    table[at] = (struct slot){key, i};
  }
  seed = 88172645463325252;
  for (size_t i = 0; i < count; i++) {
    uint64_t key = next() | 1;
    size_t at = key * 0x9e3779b97f4a7c15u % slots;
    while (table[at].key && table[at].key != key) at = (at + 1) % slots;
    found += table[at].key == key;
  }
  printf("%zu of %zu found\n", found, count);
  free(table);
  return 0;
}
