import { expect, test } from 'vitest';
import { PhysicalMemory } from '../physical-memory.ts';
import { processors } from '../processors/index.ts';
import { PageMapper } from '../testing/page-mapper.ts';
import { LOAD } from '../tlb/translation.ts';
import { PAGE_SIZE, pageOf, pfn, vpn } from '../units.ts';
import { entryFrame, PTE_PRESENT, PTE_USER } from './entry.ts';
import { PageWalker } from './walk.ts';

const ADDRESS = 0x00007f3a4c001234;
const FRAME = pfn(0x3a7f1);

/** Entry 254 of the PGD, 233 of the PUD, 96 of the PMD, 1 of the page table. */
const INDEXES = [254, 233, 96, 1];

test("does the introduction's example lead from 0x00007F3A4C001234 to 0x3A7F1234, by these four entries?", () => {
  const memory = new PhysicalMemory(2 ** 18);
  const mapper = new PageMapper(memory);
  const root = mapper.newRoot();
  mapper.map(root, pageOf(ADDRESS), FRAME, PTE_PRESENT | PTE_USER, 0);

  let table = root;
  for (const index of INDEXES) table = entryFrame(memory.lo(table, index), memory.hi(table, index));
  expect(table).toBe(FRAME);

  const walker = new PageWalker(memory, processors.textbook, 4);
  const frame = walker.walk(root, vpn(pageOf(ADDRESS)), LOAD, 1, 0, 1);
  expect(walker.steps).toBe(4);
  expect(frame * PAGE_SIZE + (ADDRESS % PAGE_SIZE)).toBe(0x3a7f1234);
});
