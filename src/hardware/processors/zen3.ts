import type { ProcessorModel } from './processor-model.ts';

/**
 * AMD family 19h models 00h-0fh. The sizes are CPUID's (0x80000005, 0x80000006) of a server of this kind, and its L1 and L2 data
 * TLBs were measured with pointer chains: 64 pages always hit L1, 80 never, 1536 pages hit L2, 4096 never.
 * The L2 TLBs are apart for instructions and data.
 */
export const zen3: ProcessorModel = {
  name: 'zen3',
  title: 'AMD Zen 3 server (EPYC 7003)',
  sources: [
    'measured: CPUID 0x80000005 and 0x80000006 and pointer chains on an EPYC of family 25 model 1',
    'published: AMD APM vol. 2, 5.5 (TLB management and PCID); 48 physical address bits by lscpu of an EPYC 74F3',
    'assumed: page-walk caches of 64 entries, as AMD publishes for the page directory cache of family 17h',
  ],
  gigahertz: 3.0,
  l1Instruction: [{ pages: ['4K', '2M', '1G'], entries: 64, ways: 64 }],
  l1Data: [{ pages: ['4K', '2M', '1G'], entries: 64, ways: 64 }],
  l2: [{ pages: ['4K', '2M'], entries: 2048, ways: 8 }],
  l2Instruction: [{ pages: ['4K', '2M'], entries: 512, ways: 4 }],
  walkCaches: { pageTables: 64, directories: 64, directoryPointers: 64 },
  pcid: true,
  physicalBits: 48,
  gigabytePages: true,
};
