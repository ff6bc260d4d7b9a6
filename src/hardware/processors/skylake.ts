import type { ProcessorModel } from './processor-model.ts';

/** Intel Skylake-SP: one array for each page size in L1, a second level shared by instructions and data. */
export const skylake: ProcessorModel = {
  name: 'skylake',
  title: 'Intel Skylake server (Xeon Scalable)',
  sources: [
    'published: Intel Optimization Reference Manual 248966-045, table 2-15 (TLB parameters of Skylake)',
    'published: index of L2 by folded page bits: Gras et al., Translation Leak-aside Buffer, USENIX Security 2018',
    'assumed: 32 page-walk cache entries for page tables and 4 for each level above; their sizes are not published',
  ],
  gigahertz: 2.7,
  l1Instruction: [
    { pages: ['4K'], entries: 128, ways: 8 },
    { pages: ['2M'], entries: 8, ways: 8 },
  ],
  l1Data: [
    { pages: ['4K'], entries: 64, ways: 4 },
    { pages: ['2M'], entries: 32, ways: 4 },
    { pages: ['1G'], entries: 4, ways: 4 },
  ],
  l2: [
    { pages: ['4K', '2M'], entries: 1536, ways: 12, index: 'xor' },
    { pages: ['1G'], entries: 16, ways: 4 },
  ],
  walkCaches: { pageTables: 32, directories: 4, directoryPointers: 4 },
  pcid: true,
  physicalBits: 46,
  gigabytePages: true,
};
