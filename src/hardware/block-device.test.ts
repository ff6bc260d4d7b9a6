import { describe, expect, test } from 'vitest';
import { accessTime, BlockDevice, blockDeviceNamed, hdd, nvme, zram } from './block-device.ts';

describe('block devices', () => {
  test('does a random 4 KiB read of NVMe take 70 to 100 microseconds?', () => {
    const done = new BlockDevice(nvme).submit(1000, 2 ** 30, 4096, false) - 1000;
    expect(done).toBeGreaterThan(70_000);
    expect(done).toBeLessThan(100_000);
  });

  test('is a hard disk slow at random and fast in sequence?', () => {
    const disk = new BlockDevice(hdd);
    const first = disk.submit(0, 2 ** 40, 2 ** 20, false);
    const next = disk.submit(first, 2 ** 40 + 2 ** 20, 2 ** 20, false);
    expect(first).toBeGreaterThan(8_000_000);
    expect(next - first).toBeLessThan(6_000_000);
  });

  test('does a longer way of the arm take longer, and the whole disk the longest seek?', () => {
    const times = [1, 10, 100, 1000, 4096].map((gib) => accessTime(hdd, 0, gib * 2 ** 30, false));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBe(hdd.readLatency + hdd.halfTurn + hdd.longestSeek);
  });

  test('do requests in parallel share latency but not the wire?', () => {
    const disk = new BlockDevice(nvme);
    const done = Array.from({ length: 8 }, (_, i) => disk.submit(0, i * 2 ** 30, 2 ** 20, false));
    const transfer = 2 ** 20 / nvme.bandwidth;
    expect(done.at(-1)).toBeCloseTo(nvme.readLatency + 8 * transfer, 3);
  });

  test('does compressed memory take what was measured, a page and 31 of them?', () => {
    const time = (pages: number, write: boolean): number => new BlockDevice(zram).submit(0, 0, pages * 4096, write);
    const measured: [pages: number, write: boolean, ns: number][] = [
      [1, false, 4467],
      [31, false, 95_963],
      [1, true, 9034],
      [31, true, 228_271],
    ];
    for (const [pages, write, ns] of measured) expect(Math.abs(time(pages, write) / ns - 1)).toBeLessThan(0.03);
  });

  test('does a restored device answer as the saved one would?', () => {
    const disk = new BlockDevice(hdd);
    disk.submit(0, 5 * 2 ** 30, 65536, true);
    const copy = new BlockDevice(hdd);
    copy.restore(disk.save());
    for (const at of [2 ** 30, 3 * 2 ** 30])
      expect(copy.submit(9, at, 4096, false)).toBe(disk.submit(9, at, 4096, false));
  });

  test('does an unknown name list the known ones?', () => {
    expect(() => blockDeviceNamed('floppy')).toThrow("unknown disk 'floppy'; known are nvme, ssd, hdd, zram");
  });
});
