import type { ProcessorModel } from './processor-model.ts';

/**
 * AMD family 1Ah. The first level was measured to hold exactly 96 pages, the second 4096, though not as LRU would: a tenth
 * of 3584 pages miss, and half of 5120. AMD's second level is skewed, its ways are reached by different hashes; replacing at
 * random comes nearest to that (docs/tlb.md).
 */
export const zen5: ProcessorModel = {
  name: 'zen5',
  title: 'AMD Zen 5 server (EPYC 9005)',
  sources: [
    'measured: CPUID 0x80000005 and 0x80000006 and pointer chains on an EPYC of family 26 model 2, in a guest',
    'published: CPUID gives the sizes of L2 in units of 32 entries',
    'assumed: 16 ways in L2, of instructions 4 as CPUID says; page-walk caches as in zen3',
  ],
  gigahertz: 4.3,
  l1Instruction: [{ pages: ['4K', '2M', '1G'], entries: 64, ways: 64 }],
  l1Data: [{ pages: ['4K', '2M', '1G'], entries: 96, ways: 96 }],
  l2: [{ pages: ['4K', '2M'], entries: 4096, ways: 16, replacement: 'random' }],
  l2Instruction: [{ pages: ['4K', '2M'], entries: 2048, ways: 4 }],
  walkCaches: { pageTables: 64, directories: 64, directoryPointers: 64 },
  pcid: true,
  physicalBits: 52,
  gigabytePages: true,
};
