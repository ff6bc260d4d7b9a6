/*
 * Makes the traces that replacement policies are measured on, the same on every machine.
 *
 *   tracegen zipf OBJECTS REQUESTS THETA SEED FILE    objects by a Zipf law, shuffled
 *   tracegen loop OBJECTS REQUESTS 0 0 FILE           all objects in order, again and again
 *
 * Writes libCacheSim's oracleGeneral records: u32 time, u64 object, u32 size, i64 number of the request for the same
 * object that comes next (-1: none), little endian.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD = 24, REQUESTS_PER_SECOND = 1000, OBJECT_BYTES = 4096 };

static uint64_t state;

/* SplitMix64. */
static uint64_t random64(void)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static double random_unit(void)
{
    return (random64() >> 11) * (1.0 / 9007199254740992.0);
}

static void *allocate(uint64_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory) {
        fprintf(stderr, "tracegen: no memory for %llu bytes\n", (unsigned long long)bytes);
        exit(1);
    }
    return memory;
}

static void zipf(uint64_t *sequence, uint64_t objects, uint64_t requests, double theta)
{
    uint32_t *shuffled = allocate(objects * sizeof *shuffled);
    for (uint64_t i = 0; i < objects; i++)
        shuffled[i] = i;
    for (uint64_t i = objects - 1; i > 0; i--) {
        uint64_t j = random64() % (i + 1);
        uint32_t t = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = t;
    }
    double *cumulative = allocate(objects * sizeof *cumulative), sum = 0;
    for (uint64_t i = 0; i < objects; i++)
        cumulative[i] = sum += 1.0 / pow(i + 1, theta);
    for (uint64_t i = 0; i < requests; i++) {
        double u = random_unit() * sum;
        uint64_t low = 0, high = objects - 1;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (cumulative[middle] < u)
                low = middle + 1;
            else
                high = middle;
        }
        sequence[i] = shuffled[low];
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: tracegen zipf|loop OBJECTS REQUESTS THETA SEED FILE\n");
        return 2;
    }
    uint64_t objects = strtoull(argv[2], 0, 0), requests = strtoull(argv[3], 0, 0);
    state = strtoull(argv[5], 0, 0) * 1000003ull + 12345;
    uint64_t *sequence = allocate(requests * sizeof *sequence);
    if (strcmp(argv[1], "zipf") == 0)
        zipf(sequence, objects, requests, atof(argv[4]));
    else
        for (uint64_t i = 0; i < requests; i++)
            sequence[i] = i % objects;

    int64_t *next = allocate(objects * sizeof *next);
    memset(next, 0xff, objects * sizeof *next);
    char *records = allocate(requests * RECORD);
    for (int64_t i = (int64_t)requests - 1; i >= 0; i--) {
        uint32_t time = i / REQUESTS_PER_SECOND, size = OBJECT_BYTES;
        char *record = records + i * RECORD;
        memcpy(record, &time, 4);
        memcpy(record + 4, &sequence[i], 8);
        memcpy(record + 12, &size, 4);
        memcpy(record + 16, &next[sequence[i]], 8);
        next[sequence[i]] = i;
    }
    FILE *file = fopen(argv[6], "wb");
    if (!file || fwrite(records, RECORD, requests, file) != requests || fclose(file) != 0) {
        perror(argv[6]);
        return 1;
    }
    return 0;
}
