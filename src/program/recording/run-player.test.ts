import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cpu, FETCH, LOAD, STORE } from '../../hardware/cpu.ts';
import { PTE_PRESENT, PTE_USER, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { PhysicalMemory } from '../../hardware/physical-memory.ts';
import { processorNamed } from '../../hardware/processors/index.ts';
import { PageMapper } from '../../hardware/testing/page-mapper.ts';
import { LOADS, STORES } from '../../hardware/tlb/counters.ts';
import { pfn, vpn } from '../../hardware/units.ts';
import { AddressMap } from './address-map.ts';
import type { Block } from './block.ts';
import { BlockBuilder } from './block-builder.ts';
import { RecordingError } from './format.ts';
import { RunPlayer } from './run-player.ts';
import { forEachRun } from './runs.ts';

/** Recorded pages lie this far below the simulated ones; those from STRAY on lie nowhere. */
const DISTANCE = 0x7ff000000;
const STRAY = 300;
const ACCESS = [FETCH, LOAD, STORE] as const;
/** 4 KiB pages in a large one. */
const LARGE = 512;

/**
 * A CPU whose page tables are filled by its faults: readable at the first, writable at a store. With `spread`, recorded
 * pages lie so far apart that they share large pages: every second block of 2 MiB is one.
 */
function machine(processor: string, spread = 1) {
  const memory = new PhysicalMemory(8192);
  const mapper = new PageMapper(memory);
  const cpu = new Cpu(0, processorNamed(processor), memory);
  const root = mapper.newRoot();
  cpu.switchTo(root, 3, false);
  const faults: [number, number][] = [];
  const strays: number[] = [];
  const fault = (page: number, kind: number): boolean => {
    faults.push([page, kind]);
    const flags = PTE_PRESENT | PTE_USER | (kind === STORE ? PTE_WRITE : 0);
    const isLarge = spread > 1 && Math.floor(page / LARGE) % 2 === 0;
    if (isLarge) mapper.map(root, vpn(page - (page % LARGE)), pfn(LARGE * (2 + ((page / LARGE) & 7))), flags, 0, 1);
    else mapper.map(root, vpn(page), pfn(1024 + (page % 4096)), flags, 0);
    return true;
  };
  const host = {
    unmapped: () => -1,
    fault,
    stray: (page: number) => void strays.push(page),
  };
  const map = new AddressMap();
  for (let page = 0; page < STRAY; page++) map.map(page, 1, DISTANCE + page * spread);
  return { cpu, host, map, faults, strays };
}

interface Run {
  kind: number;
  page: number;
  count: number;
}

function blockOf(runs: readonly Run[], eventAt = -1): Block {
  const builder = new BlockBuilder(0);
  runs.forEach(({ kind, page, count }, at) => {
    if (at === eventAt) builder.event({ type: 'window' });
    if (kind === 0) builder.fetch(page);
    else builder.data(kind as 1 | 2, page, kind === 1 ? count : 0, kind === 2 ? count : 0);
    builder.retire(count);
  });
  return builder.take();
}

/** Every run through `access`, which knows nothing of slots and ways. */
function playPlainly(block: Block, processor: string, spread = 1) {
  const made = machine(processor, spread);
  forEachRun(block, {
    run: (kind, page, count) => {
      const simulated = made.map.translate(page);
      if (simulated < 0) made.host.stray(page);
      else while (made.cpu.access(vpn(simulated), ACCESS[kind], count) < 0) made.host.fault(simulated, ACCESS[kind]);
    },
  });
  made.cpu.counters.values.fill(0, LOADS, STORES + 2);
  return made;
}

const run = fc.record({
  kind: fc.nat(2),
  page: fc.oneof({ weight: 9, arbitrary: fc.nat(150) }, fc.nat(STRAY + 3)),
  count: fc.integer({ min: 1, max: 300 }),
});
const runs = fc.array(run, { maxLength: 700 });

/** Restored between them, the store once passed for a load and did not fault: page 127 falls into place 0, where every kind was looked for first. */
const STORE_AFTER_LOAD = [1, 2].map((kind) => ({ kind, page: 127, count: 1 }));

describe('RunPlayer', () => {
  test.each(['zen3', 'textbook', 'skylake'])(
    '%s: are misses, walks and faults those of one access after the other?',
    (processor) => {
      fc.assert(
        fc.property(runs, fc.nat(400), (list, limit) => {
          const block = blockOf(list);
          const plain = playPlainly(block, processor);
          const fast = machine(processor);
          const player = new RunPlayer(fast.host, fast.cpu.storeBit);
          player.map = fast.map;
          player.load(block);
          player.run(fast.cpu, limit);
          player.run(fast.cpu, block.records);
          expect(player.done).toBe(true);
          expect(player.instructions()).toBe(block.instructions);
          expect(fast.faults).toEqual(plain.faults);
          expect(fast.strays).toEqual(plain.strays);
          expect(fast.cpu.counters.toJSON()).toEqual(plain.cpu.counters.toJSON());
        }),
        { numRuns: 60 },
      );
    },
  );

  test.each(['zen3', 'textbook', 'skylake', 'sapphirerapids'])(
    '%s: do large and small pages beside each other miss as one access after the other does?',
    (processor) => {
      fc.assert(
        fc.property(runs, fc.nat(400), fc.constantFrom(20, 300), (list, limit, spread) => {
          const block = blockOf(list);
          const plain = playPlainly(block, processor, spread);
          const fast = machine(processor, spread);
          const player = new RunPlayer(fast.host, fast.cpu.storeBit);
          player.map = fast.map;
          player.load(block);
          player.run(fast.cpu, limit);
          player.run(fast.cpu, block.records);
          expect(fast.faults).toEqual(plain.faults);
          expect(fast.cpu.counters.toJSON()).toEqual(plain.cpu.counters.toJSON());
          expect(fast.cpu.now).toBe(plain.cpu.now);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('saved anywhere and restored, does it end the same?', () => {
    fc.assert(
      fc.property(runs, fc.nat(700), (list, limit) => {
        const block = blockOf(list);
        const { cpu, host, map, faults } = machine('zen3');
        const first = new RunPlayer(host, cpu.storeBit);
        first.map = map;
        first.load(block);
        first.run(cpu, limit);
        const second = new RunPlayer(host, cpu.storeBit);
        second.map = map;
        second.load(block);
        second.restore(structuredClone(first.save()), cpu);
        expect(second.instructions()).toBe(first.instructions());
        second.run(cpu, block.records);
        expect(faults).toEqual(playPlainly(block, 'zen3').faults);
        expect(second.instructions()).toBe(block.instructions);
      }),
      { numRuns: 100, examples: [[STORE_AFTER_LOAD, 1]] },
    );
  });

  test('at an event: does it stop, tell the instructions so far, and take a changed map?', () => {
    const { cpu, host, map, faults } = machine('zen3');
    const block = blockOf(
      [0, 1, 0, 1].map((page) => ({ kind: 1, page, count: 10 })),
      2,
    );
    const player = new RunPlayer(host, cpu.storeBit);
    player.map = map;
    player.load(block);
    expect([player.run(cpu, block.records), player.at, player.instructions()]).toEqual([true, 2, 20]);
    player.at++;
    map.map(0, STRAY, DISTANCE + 512);
    player.retag(cpu);
    expect(player.run(cpu, block.records)).toBe(false);
    expect(faults.map(([page]) => page - DISTANCE)).toEqual([0, 1, 512, 513]);
  });

  test('is a block whose columns lie refused, whatever they say?', () => {
    const column = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(fc.record({ heads: column, pages: column, gaps: column, events: column }), (columns) => {
        const { cpu, host, map } = machine('zen3');
        const player = new RunPlayer(host, cpu.storeBit);
        player.map = map;
        player.load({ ...columns, instructions: 1000 });
        try {
          while (!player.done) if (player.run(cpu, columns.heads.length)) player.at++;
          player.instructions();
        } catch (error) {
          expect(error).toBeInstanceOf(RecordingError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
