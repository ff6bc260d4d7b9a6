import type { PolicyEntry } from '../policy.ts';
import { arc } from './arc.ts';
import { belady } from './belady.ts';
import { clock } from './clock.ts';
import { fifo } from './fifo.ts';
import { lfu } from './lfu.ts';
import { linux } from './linux.ts';
import { lru } from './lru.ts';
import { s3Fifo } from './s3-fifo.ts';
import { sieve } from './sieve.ts';
import { slru } from './slru.ts';
import { twoQueue } from './two-queue.ts';

/** Every policy, in the order in which they are listed. */
export const POLICIES: readonly PolicyEntry[] = [
  linux,
  lru,
  fifo,
  clock,
  slru,
  lfu,
  twoQueue,
  arc,
  s3Fifo,
  sieve,
  belady,
];

/** The policy of a name, undefined when there is none. */
export const policyNamed = (name: string): PolicyEntry | undefined => POLICIES.find((policy) => policy.name === name);
