import { describe, expect, test } from 'vitest';
import { FrameTable } from './frame-table.ts';
import {
  defaultMinFreeKbytes,
  hugePageMinFreeKbytes,
  setupWatermarks,
  totalReservePages,
  watermarkOk,
} from './watermarks.ts';
import { Zone } from './zone.ts';

function zones(): Zone[] {
  const table = new FrameTable(1);
  const made = [
    new Zone(table, 'DMA', 0, 4096, 3),
    new Zone(table, 'DMA32', 4096, 1 << 20, 3),
    new Zone(table, 'Normal', 1 << 20, 6 << 20, 3),
  ];
  for (const zone of made) {
    zone.managed = zone.present;
    zone.free = zone.managed;
  }
  return made;
}

describe('watermarks', () => {
  test('is min_free_kbytes the square root of sixteen times the memory in kB?', () => {
    expect(defaultMinFreeKbytes(zones())).toBe(Math.floor(Math.sqrt((6 << 20) * 4 * 16)));
  });

  test('do huge pages raise it to eleven pageblocks a zone?', () => {
    expect(hugePageMinFreeKbytes(zones())).toBe(512 * 3 * 11 * 4);
  });

  test('are low and high above min by a quarter or by the scale factor, whichever is more?', () => {
    const made = zones();
    setupWatermarks(made, { minFreeKbytes: 67_584, watermarkScaleFactor: 10 });
    const normal = made[2] as Zone;
    expect(normal.min).toBe(Math.floor((16_896 * normal.managed) / (6 << 20)));
    expect(normal.low - normal.min).toBe(Math.max(Math.floor(normal.min / 4), Math.floor(normal.managed / 1000)));
    expect(normal.high - normal.low).toBe(normal.low - normal.min);
  });

  test('does a low zone keep a 256th of what lies above it from requests that could go higher?', () => {
    const made = zones();
    setupWatermarks(made, { minFreeKbytes: 4096, watermarkScaleFactor: 10 });
    const [dma, dma32] = made as [Zone, Zone, Zone];
    expect(dma.lowmemReserve[2]).toBe(Math.floor(((1 << 20) - 4096 + (5 << 20)) / 256));
    dma32.free = dma32.min + (dma32.lowmemReserve[2] as number);
    expect(watermarkOk(dma32, 0, dma32.min, 2)).toBe(false);
    expect(watermarkOk(dma32, 0, dma32.min, 1)).toBe(true);
    expect(totalReservePages(made)).toBeGreaterThan(made.reduce((sum, zone) => sum + zone.high, 0));
  });
});
