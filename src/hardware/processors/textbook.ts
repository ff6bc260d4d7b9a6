import type { ProcessorModel } from './processor-model.ts';

/**
 * The processor of textbooks: the 64 to 1024 entries that an introduction to virtual memory names, every walk in four steps, and a
 * flush at each context switch. Small enough to follow by hand.
 */
export const textbook: ProcessorModel = {
  name: 'textbook',
  title: 'textbook: 64 entries, then 1024, no page-walk caches, no PCID',
  sources: ['introductory texts: "TLB size: ~64-1024 entries per core", "4 memory accesses for 4-level table"'],
  gigahertz: 3.0,
  l1Instruction: [{ pages: ['4K', '2M', '1G'], entries: 64, ways: 64 }],
  l1Data: [{ pages: ['4K', '2M', '1G'], entries: 64, ways: 64 }],
  l2: [{ pages: ['4K', '2M', '1G'], entries: 1024, ways: 4 }],
  walkCaches: { pageTables: 0, directories: 0, directoryPointers: 0 },
  pcid: false,
  physicalBits: 52,
  gigabytePages: true,
};
