/** What /sys/kernel/mm/lru_gen and /sys/kernel/debug/lru_gen show (mm/vmscan.c: enabled_show, lru_gen_seq_show). */
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { LruLists } from '../frames/lru.ts';
import { ANON, FILE } from './generations.ts';

/** /sys/kernel/mm/lru_gen/enabled. @param lruGen bits 1, 2 and 4 */
export const enabledText = (lruGen: number): string => `0x${lruGen.toString(16).padStart(4, '0')}\n`;

/** @returns the bits that a write says, or undefined for text that is none (enabled_store) */
export function parseEnabled(text: string): number | undefined {
  const word = text.trim();
  if (/^[nN]/.test(word)) return 0;
  if (/^[yY]/.test(word)) return 7;
  if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(word)) return undefined;
  return Number(word) & 7;
}

/**
 * /sys/kernel/debug/lru_gen: of each cgroup the generations from the oldest on, their age in milliseconds, and their pages.
 * When each generation was begun is not kept: the age is 0.
 */
export function lruGenText({ generations }: LruLists, groups: readonly MemCgroup[]): string {
  if (generations === undefined) return '';
  let text = '';
  for (const { id, path } of groups) {
    text += `memcg ${String(id).padStart(5)} ${path}\n node ${String(0).padStart(5)}\n`;
    const oldest = Math.min(generations.minSeq(id, ANON), generations.minSeq(id, FILE));
    for (let seq = oldest; seq <= generations.maxSeq(id); seq++) {
      text += ` ${String(seq).padStart(10)} ${String(0).padStart(10)}`;
      for (const type of [ANON, FILE]) {
        const exists = seq >= generations.minSeq(id, type);
        const pages = exists ? generations.pages(id, seq, type) : 0;
        text += ` ${String(pages).padStart(10)}${exists ? ' ' : 'x'}`;
      }
      text += '\n';
    }
  }
  return text;
}
