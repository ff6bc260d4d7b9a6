import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pfn } from '../../hardware/units.ts';
import { Zram } from './zram.ts';
import { HUGE_CLASS_BYTES, Zsmalloc } from './zsmalloc.ts';

const PAGE = 4096;

/** Frames 1 to `most`, each given once. */
function frames(most: number) {
  const free = Array.from({ length: most }, (_, i) => (most - i) as Pfn);
  return { free, take: (): Pfn | -1 => free.pop() ?? -1, give: (frame: Pfn) => void free.push(frame) };
}

const columns = (text: string): number[] => text.trim().split(/\s+/).map(Number);

describe('the pool of compressed pages', () => {
  test('how many objects of half a page lie in a zspage of 8 frames?', () => {
    const source = frames(100);
    const pool = new Zsmalloc(source);
    for (let i = 0; i < 15; i++) pool.allocate(2048);
    // 2048 bytes and their handle are class 2064, whose 8 frames hold 15 objects.
    expect(pool.frames).toBe(8);
    pool.allocate(2048);
    expect(pool.frames).toBe(16);
    pool.free(2048);
    expect(pool.frames).toBe(8);
  });

  // mm_stat of Linux 6.18.9 after 2000 pages that lz4 makes so many bytes of: compr_data_size / 2000, mem_used_total / 4096.
  test.each([
    [47, 32],
    [229, 118],
    [529, 268],
    [1032, 520],
    [1398, 696],
    [1934, 1000],
    [2082, 1072],
    [2535, 1250],
    [3036, 1500],
    [3236, 1600],
    [3335, 1670],
    [3536, 1750],
    [PAGE, 2000],
  ])('do 2000 pages of %i bytes take the %i frames that they take in the kernel?', (bytes, expected) => {
    const pool = new Zsmalloc(frames(10_000));
    for (let i = 0; i < 2000; i++) pool.allocate(bytes);
    expect(pool.frames).toBe(expected);
  });

  test('does a page that hardly shrinks take a frame of its own?', () => {
    const pool = new Zsmalloc(frames(10));
    expect(HUGE_CLASS_BYTES).toBeGreaterThan(3000);
    pool.allocate(PAGE);
    pool.allocate(HUGE_CLASS_BYTES);
    expect(pool.frames).toBe(2);
  });

  test("are a zspage's frames given back when it cannot be had whole?", () => {
    const source = frames(5);
    const pool = new Zsmalloc(source);
    expect([pool.allocate(2048), pool.frames, source.free.length]).toEqual([false, 0, 5]);
  });

  test('whatever is stored and dropped: are frames as many as the objects need, and none left at the end?', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: PAGE }), { maxLength: 200 }), (sizes) => {
        const source = frames(10_000);
        const pool = new Zsmalloc(source);
        for (const size of sizes) expect(pool.allocate(size)).toBe(true);
        const bytes = sizes.reduce((sum, size) => sum + size, 0);
        expect(pool.frames * PAGE).toBeGreaterThanOrEqual(bytes);
        for (const size of sizes) pool.free(size);
        expect([pool.frames, source.free.length]).toEqual([0, 10_000]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('zram', () => {
  const noise = Uint8Array.from({ length: PAGE }, (_, i) => (i * i + (i >> 3)) & 0xff);
  const same = new Uint8Array(PAGE).fill(7);

  test('does mm_stat tell the pages, what they shrank to, and what the pool takes?', () => {
    const zram = new Zram(100, 2, frames(100));
    zram.write(1, noise);
    zram.write(2, noise);
    zram.write(3, same);
    expect(columns(zram.mmStat)).toEqual([3 * PAGE, PAGE, 8 * PAGE, 0, 8 * PAGE, 1, 0, 0, 0]);
    zram.write(2, same);
    zram.free(1);
    expect(columns(zram.mmStat)).toEqual([2 * PAGE, 0, 0, 0, 8 * PAGE, 2, 0, 0, 0]);
    // Byte by byte what a kernel with one freed slot prints.
    expect(zram.ioStat).toBe('       0        0 0        1\n');
  });

  test('does a page that cannot be stored count as a failed write?', () => {
    const zram = new Zram(10, 1, frames(1));
    expect([zram.write(1, noise), zram.write(2, noise)]).toEqual([true, false]);
    expect(columns(zram.ioStat)[1]).toBe(1);
    // Pages stored as they are.
    expect(columns(zram.mmStat).slice(7)).toEqual([1, 1]);
  });
});
