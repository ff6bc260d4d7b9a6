import type { ProcessorModel } from './processor-model.ts';

/** AMD family 19h models 10h-1fh: Zen 3 with larger data TLBs. */
export const zen4: ProcessorModel = {
  name: 'zen4',
  title: 'AMD Zen 4 server (EPYC 9004)',
  sources: [
    'published: AMD Software Optimization Guide for the Zen 4 microarchitecture: L1 72 data entries, L2 3072, L1 64 instruction entries, L2 512',
    'assumed: 24 ways in L2 (a power of two of sets); instruction L2 and page-walk caches as in zen3',
  ],
  gigahertz: 3.1,
  l1Instruction: [{ pages: ['4K', '2M', '1G'], entries: 64, ways: 64 }],
  l1Data: [{ pages: ['4K', '2M', '1G'], entries: 72, ways: 72 }],
  l2: [{ pages: ['4K', '2M'], entries: 3072, ways: 24 }],
  l2Instruction: [{ pages: ['4K', '2M'], entries: 512, ways: 4 }],
  walkCaches: { pageTables: 64, directories: 64, directoryPointers: 64 },
  pcid: true,
  physicalBits: 52,
  gigabytePages: true,
};
