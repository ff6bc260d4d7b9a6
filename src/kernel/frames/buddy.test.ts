import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pfn } from '../../hardware/units.ts';
import { Buddy } from './buddy.ts';
import { FrameTable, PG_BUDDY } from './frame-table.ts';
import { MAX_ORDER, MIGRATE_MOVABLE, MIGRATE_TYPES, MIGRATE_UNMOVABLE, type MigrateType, Zone } from './zone.ts';

function fresh(frames: number): { buddy: Buddy; table: FrameTable; zone: Zone } {
  const table = new FrameTable(frames);
  const zone = new Zone(table, 'Normal', 0, frames, 1);
  const buddy = new Buddy(zone, table);
  buddy.populate();
  return { buddy, table, zone };
}

/** Frames that the lists of a zone hold, each block with its order; fails when a link is wrong. */
function freeFrames(zone: Zone, table: FrameTable): Set<number> {
  const free = new Set<number>();
  for (let order = 0; order <= MAX_ORDER; order++) {
    for (let type = 0; type < MIGRATE_TYPES; type++) {
      let blocks = 0;
      let before = 0;
      const list = order * MIGRATE_TYPES + type;
      for (const at of zone.lists.frames(list)) {
        expect(table.prev[at]).toBe(before);
        expect(at % (1 << order)).toBe(0);
        expect(table.has(at, PG_BUDDY) && table.order(at) === order).toBe(true);
        for (let i = 0; i < 1 << order; i++) {
          expect(free.has(at + i)).toBe(false);
          free.add(at + i);
        }
        before = at;
        blocks++;
      }
      expect(zone.lists.tail(list)).toBe(before);
      expect(zone.lists.sizes[list]).toBe(blocks);
    }
  }
  return free;
}

describe('the buddy allocator', () => {
  test('does a fresh zone hand out its lowest block first, lower halves before upper ones?', () => {
    const { buddy, zone } = fresh(4096);
    expect(zone.managed).toBe(4095);
    // Frame 0 is never given out, so frame 1 has no buddy; frames 2 and 3 are a pair that is split.
    const frames = [0, 1, 2, 3, 4].map(() => buddy.allocate(0, MIGRATE_MOVABLE));
    expect(frames).toEqual([1, 2, 3, 4, 5]);
  });

  test('does freeing everything put the zone back together?', () => {
    const { buddy, zone, table } = fresh(8192);
    const before = [...zone.lists.sizes];
    const taken = Array.from({ length: 3000 }, () => buddy.allocate(0, MIGRATE_MOVABLE) as Pfn);
    expect(new Set(taken).size).toBe(3000);
    for (const frame of taken) buddy.free(frame, 0);
    expect([...zone.lists.sizes]).toEqual(before);
    expect(freeFrames(zone, table).size).toBe(8191);
  });

  test('does an unmovable request take a whole pageblock from the movable type rather than mix with it?', () => {
    const { buddy, zone } = fresh(4096);
    const frame = buddy.allocate(0, MIGRATE_UNMOVABLE) as Pfn;
    expect(zone.pageblockType(frame)).toBe(MIGRATE_UNMOVABLE);
    const movable = buddy.allocate(0, MIGRATE_MOVABLE) as Pfn;
    expect(zone.pageblockType(movable)).toBe(MIGRATE_MOVABLE);
  });

  test('is a double free a panic?', () => {
    const { buddy } = fresh(64);
    const frame = buddy.allocate(0, MIGRATE_MOVABLE) as Pfn;
    buddy.free(frame, 0);
    expect(() => buddy.free(frame, 0)).toThrow('is free already');
  });

  test('do random requests and frees never overlap and never lose a frame?', () => {
    const step = fc.record({
      order: fc.integer({ min: 0, max: 6 }),
      type: fc.integer({ min: 0, max: 2 }),
      free: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { buddy, table, zone } = fresh(2048);
        const held: { frame: Pfn; order: number }[] = [];
        const owned = new Set<number>();
        for (const { order, type, free } of steps) {
          if (free % 3 === 0 && held.length > 0) {
            const [block] = held.splice(free % held.length, 1);
            if (block === undefined) continue;
            for (let i = 0; i < 1 << block.order; i++) owned.delete(block.frame + i);
            buddy.free(block.frame, block.order);
          } else {
            const frame = buddy.allocate(order, type as MigrateType);
            if (frame < 0) continue;
            held.push({ frame: frame as Pfn, order });
            for (let i = 0; i < 1 << order; i++) {
              expect(owned.has(frame + i)).toBe(false);
              owned.add(frame + i);
            }
          }
          expect(zone.free + owned.size).toBe(zone.managed);
        }
        const free = freeFrames(zone, table);
        expect(free.size).toBe(zone.free);
        for (const frame of owned) expect(free.has(frame)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});
