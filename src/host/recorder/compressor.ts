/**
 * Compresses blocks in Node's threads, on the processors that the recorded program leaves: one fewer than there are. How
 * thoroughly depends on what waits, so that the program need not.
 */
import { availableParallelism } from 'node:os';
import type { Compression } from '../../program/recording/format.ts';
import { compressAside } from '../recording-file.ts';

/** zstd's level while so many bytes are waiting. Level 6 takes three times as long as 3 and saves a tenth to a quarter. */
const LEVELS = [
  { below: 8 << 20, level: 6 },
  { below: 32 << 20, level: 3 },
  { below: Number.POSITIVE_INFINITY, level: 1 },
];

export class Compressor {
  /** Bytes handed in and not yet compressed. */
  waiting = 0;
  private readonly atOnce: number;
  private readonly queue: (() => void)[] = [];
  private busy = 0;

  constructor(atOnce: number = Math.max(1, availableParallelism() - 1)) {
    this.atOnce = atOnce;
  }

  /** Blocks come out in any order; each promise is its own. */
  async compress(raw: Uint8Array): Promise<{ stored: Uint8Array; compression: Compression }> {
    this.waiting += raw.length;
    if (this.busy === this.atOnce) await new Promise<void>((resolve) => this.queue.push(resolve));
    else this.busy++;
    try {
      return await compressAside(raw, LEVELS.find(({ below }) => this.waiting < below)?.level);
    } finally {
      this.waiting -= raw.length;
      // The place goes to the next in the queue, if there is one.
      const next = this.queue.shift();
      if (next) next();
      else this.busy--;
    }
  }
}
