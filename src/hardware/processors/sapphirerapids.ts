import type { ProcessorModel } from './processor-model.ts';

/** Intel Sapphire Rapids (Golden Cove cores). Its separate 16-entry L1 TLB of stores is not modelled. */
export const sapphirerapids: ProcessorModel = {
  name: 'sapphirerapids',
  title: 'Intel Sapphire Rapids server (Xeon Scalable, 4th generation)',
  sources: [
    'published: Intel Optimization Reference Manual, Golden Cove: 256 and 32 instruction entries, 96 for loads, 2048 in L2',
    'assumed: ways, entries of large data pages, index of L2, and page-walk caches, from earlier cores',
  ],
  gigahertz: 2.9,
  l1Instruction: [
    { pages: ['4K'], entries: 256, ways: 8 },
    { pages: ['2M'], entries: 32, ways: 8 },
  ],
  l1Data: [
    { pages: ['4K'], entries: 96, ways: 6 },
    { pages: ['2M'], entries: 32, ways: 4 },
    { pages: ['1G'], entries: 8, ways: 8 },
  ],
  l2: [{ pages: ['4K', '2M', '1G'], entries: 2048, ways: 16, index: 'xor' }],
  walkCaches: { pageTables: 32, directories: 4, directoryPointers: 4 },
  pcid: true,
  physicalBits: 52,
  gigabytePages: true,
};
