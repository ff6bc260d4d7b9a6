/*
 * The opponent of the benchmark: page runs through the same two-level TLBs in plain C.
 *
 *   tlb-loop FILE PASSES l1i-entries l1i-ways l1d-entries l1d-ways l2-entries l2-ways l2i-entries l2i-ways
 *
 * FILE holds raw blocks of a recording, each after its length (u32). Same geometry, same true LRU, same bytes, same
 * way remembered for each slot of the stream; no page tables: every page is mapped. l2i-entries 0: one shared L2.
 * System calls and other events are passed over. Prints runs, CPU nanoseconds and misses as JSON; the benchmark compares the misses with those of the simulated CPU.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLOTS = 64, HEAD = 64, FETCH = 0, ESCAPE = 3, EVENT = 3 };

struct tlb {
	uint64_t *tags, *stamps;
	unsigned entries, ways, set_mask;
	uint64_t misses;
};

static uint64_t now;

static struct tlb tlb_of(const char *entries, const char *ways)
{
	struct tlb t = { .entries = atoi(entries), .ways = atoi(ways) };

	if (t.entries) {
		t.set_mask = t.entries / t.ways - 1;
		t.tags = malloc(t.entries * sizeof *t.tags);
		t.stamps = calloc(t.entries, sizeof *t.stamps);
		memset(t.tags, 0xff, t.entries * sizeof *t.tags);
	}
	return t;
}

/* The entry of a page; *hit says whether it was there, else it now stands in the least recently used place. */
static unsigned lookup(struct tlb *t, uint64_t page, int *hit)
{
	unsigned first = (page & t->set_mask) * t->ways, victim = first;

	for (unsigned way = first; way < first + t->ways; way++) {
		if (t->tags[way] == page) {
			t->stamps[way] = now;
			*hit = 1;
			return way;
		}
		if (t->stamps[way] < t->stamps[victim])
			victim = way;
	}
	t->misses++;
	t->tags[victim] = page;
	t->stamps[victim] = now;
	*hit = 0;
	return victim;
}

static uint64_t zigzag(const uint8_t **at)
{
	uint64_t value = 0;
	unsigned shift = 0;

	do
		value |= (uint64_t)(**at & 127) << shift, shift += 7;
	while (*(*at)++ & 128);
	return (value >> 1) ^ -(value & 1);
}

static uint32_t u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

struct stream {
	uint64_t pages[SLOTS], last;
	unsigned ways[SLOTS];
	struct tlb *l1, *l2;
};

static void run(struct stream *s, unsigned slot)
{
	uint64_t page = s->pages[slot];
	unsigned way = s->ways[slot];
	int hit;

	now++;
	if (s->l1->tags[way] == page) {
		s->l1->stamps[way] = now;
		return;
	}
	s->ways[slot] = lookup(s->l1, page, &hit);
	if (!hit)
		lookup(s->l2, page, &hit);
}

static uint32_t replay(const uint8_t *block, struct tlb *l1i, struct tlb *l1d, struct tlb *l2i, struct tlb *l2d)
{
	uint32_t records = u32(block + 12);
	const uint8_t *heads = block + HEAD, *pages = heads + records;
	struct stream code = { .l1 = l1i, .l2 = l2i }, data = { .l1 = l1d, .l2 = l2d };

	for (uint32_t i = 0; i < records; i++) {
		unsigned kind = heads[i] & 3, slot = heads[i] >> 2;

		if (kind == ESCAPE) {
			struct stream *s = slot == FETCH ? &code : &data;

			if (slot == EVENT)
				continue;
			kind = slot;
			s->last += zigzag(&pages);
			slot = ((uint32_t)s->last * 0x9e3779b1u) >> 26;
			s->pages[slot] = s->last;
		}
		run(kind == FETCH ? &code : &data, slot);
	}
	return records;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	uint64_t runs = 0;

	if (argc != 11)
		return 2;
	FILE *file = fopen(argv[1], "rb");
	if (!file || fseek(file, 0, SEEK_END))
		return 1;
	long size = ftell(file);
	uint8_t *bytes = malloc(size);
	rewind(file);
	if (!bytes || fread(bytes, 1, size, file) != (size_t)size)
		return 1;

	struct tlb l1i = tlb_of(argv[3], argv[4]), l1d = tlb_of(argv[5], argv[6]);
	struct tlb l2 = tlb_of(argv[7], argv[8]), l2i = tlb_of(argv[9], argv[10]);
	struct tlb *l2_code = l2i.entries ? &l2i : &l2;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (int pass = 0; pass < atoi(argv[2]); pass++)
		for (long at = 0; at < size; at += 4 + u32(bytes + at))
			runs += replay(bytes + at + 4, &l1i, &l1d, l2_code, &l2);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);

	double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
	printf("{\"runs\":%llu,\"nanoseconds\":%.0f,\"l1Instruction\":%llu,\"l1Data\":%llu,\"l2\":%llu}\n",
	       (unsigned long long)runs, ns, (unsigned long long)l1i.misses, (unsigned long long)l1d.misses,
	       (unsigned long long)(l2.misses + l2i.misses));
	return 0;
}
