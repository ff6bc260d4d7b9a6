import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cpu, FETCH, LOAD, NO_TAG, STORE } from './cpu.ts';
import { PTE_HI_NX, PTE_HI_PKEY_SHIFT, PTE_PRESENT, PTE_USER, PTE_WRITE } from './paging/entry.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { processors } from './processors/index.ts';
import { PageMapper } from './testing/page-mapper.ts';
import { PlainTlb } from './testing/plain-tlb.ts';
import { translateByHand } from './testing/translate-by-hand.ts';
import { L1_DATA_MISSES, L1_INSTRUCTION_MISSES, L2_DATA_MISSES, L2_INSTRUCTION_MISSES } from './tlb/counters.ts';
import { type Pfn, pfn, vpn } from './units.ts';

const USER = PTE_PRESENT | PTE_WRITE | PTE_USER;
const FLAGS = [0, USER, USER, PTE_PRESENT | PTE_USER, PTE_PRESENT];
const HI_FLAGS = [0, 0, PTE_HI_NX, 3 << PTE_HI_PKEY_SHIFT];
const PKRUS = [0, 1 << 6, 2 << 6];
const FIRST_FRAME = 4096;

/** Mostly few pages, so that what is cached is met again; sometimes many, so that it is replaced. */
const somePage = fc.oneof(fc.nat(12), fc.nat(12), fc.nat(149));

/** What a sequence of operations may do to a CPU and the page tables of three address spaces. */
const operation = fc.oneof(
  { weight: 40, arbitrary: fc.record({ op: fc.constant('access' as const), page: somePage, kind: fc.nat(2) }) },
  { weight: 12, arbitrary: fc.record({ op: fc.constant('map' as const), page: somePage, how: fc.nat(19) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('mapLarge' as const), page: fc.nat(1), how: fc.nat(19) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('switch' as const), space: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('pkru' as const), to: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restore' as const) }) },
);

describe.each(Object.values(processors))('cpu $name', (model) => {
  test('is a stale translation ever served when each change is followed by an invalidation?', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 400, size: 'max' }), (operations) => {
        const memory = new PhysicalMemory(2 ** 16);
        const mapper = new PageMapper(memory);
        const roots = [mapper.newRoot(), mapper.newRoot(), mapper.newRoot()] as const;
        let cpu = new Cpu(0, model, memory);
        let space = 0;
        let nextFrame = FIRST_FRAME;
        cpu.switchTo(roots[0], 1, false);
        for (const step of operations) {
          const root = roots[space] as Pfn;
          if (step.op === 'access') {
            const page = vpn(step.page % 3 === 0 ? 512 + step.page : step.page);
            const options = { levels: 4, physicalBits: model.physicalBits, pkru: cpu.pkru };
            expect(cpu.translate(page, step.kind)).toBe(translateByHand(memory, root, page, step.kind, options));
          } else if (step.op === 'map') {
            mapper.map(root, vpn(step.page), pfn(nextFrame++), FLAGS[step.how % 5] ?? 0, HI_FLAGS[step.how % 4] ?? 0);
            if (step.how < 18) cpu.invlpg(vpn(step.page), space + 1);
            else cpu.flushPcid(model.pcid ? space + 1 : 0);
          } else if (step.op === 'mapLarge') {
            mapper.map(root, vpn(512), pfn(512 * (20 + step.page)), FLAGS[step.how % 5] ?? 0, 0, 1);
            if (step.how > 10) cpu.flushAll(step.how > 15);
            else cpu.invlpg(vpn(512 + step.how), space + 1);
          } else if (step.op === 'switch') {
            space = step.space;
            cpu.switchTo(roots[space] as Pfn, space + 1, true);
          } else if (step.op === 'pkru') cpu.setPkru(PKRUS[step.to] ?? 0);
          else {
            const copy = new Cpu(0, model, memory);
            copy.restore(cpu.save());
            cpu = copy;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('does it miss exactly when two obvious LRU levels miss?', () => {
    const step = fc.record({ page: fc.oneof(fc.nat(90), fc.nat(5000)), isFetch: fc.boolean(), drop: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 3000, size: 'max' }), (steps) => {
        const { cpu, plain } = mappedCpu(model, 5001);
        for (const { page, isFetch, drop } of steps) {
          cpu.access(vpn(page), isFetch ? FETCH : LOAD, 1);
          plain.access(page, isFetch);
          if (drop === 0) {
            cpu.invlpg(vpn(page), 1);
            plain.invlpg(page);
          }
        }
        expect(misses(cpu)).toEqual(plain.misses);
      }),
      { numRuns: 15 },
    );
  });

  test('does hitRuns count and order as single accesses do?', () => {
    const runs = fc.array(fc.nat(255), { minLength: 1, maxLength: 4000, size: 'max' });
    fc.assert(
      fc.property(runs, (all) => {
        const one = mappedCpu(model, 90).cpu;
        const many = mappedCpu(model, 90).cpu;
        const bytes = Uint8Array.from(all);
        for (const run of all) one.access(vpn(run % 87), run % 3, 1);
        const expected = new Float64Array(256).map((_, run) => (run % 5 === 0 ? NO_TAG : (run % 87) + many.context));
        const places = new Int32Array(256);
        for (let at = 0; ; at++) {
          at = many.hitRuns(bytes, at, bytes.length, expected, places);
          if (at === bytes.length) break;
          const run = all[at];
          const page = vpn(run % 87);
          const kind = run % 3;
          places[run] = kind === FETCH ? many.fetch(page) : kind === STORE ? many.store(page) : many.load(page);
          expect(places[run]).toBeGreaterThanOrEqual(0);
        }
        expect(misses(many)).toEqual(misses(one));
        expect(many.counters.toJSON().walkSteps).toBe(one.counters.toJSON().walkSteps);
        expect(many.now).toBe(one.now);
      }),
      { numRuns: 30 },
    );
  });
});

/** A CPU with pages 0 to `pages` - 1 mapped, and the plain model beside it. */
function mappedCpu(model: (typeof processors)[string], pages: number) {
  const memory = new PhysicalMemory(2 ** 16);
  const mapper = new PageMapper(memory);
  const root = mapper.newRoot();
  for (let page = 0; page < pages; page++) mapper.map(root, vpn(page), pfn(FIRST_FRAME + page), USER, 0);
  const cpu = new Cpu(0, model, memory);
  cpu.switchTo(root, 1, false);
  return { cpu, plain: new PlainTlb(model) };
}

function misses({ counters }: Cpu) {
  return {
    l1Data: counters.sum(L1_DATA_MISSES),
    l1Instruction: counters.sum(L1_INSTRUCTION_MISSES),
    l2: counters.sum(L2_DATA_MISSES) + counters.sum(L2_INSTRUCTION_MISSES),
  };
}
