import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageCounter } from './page-counter.ts';

/** A grandparent with two parents of two children each. */
function family(): PageCounter[] {
  const top = new PageCounter();
  const parents = [new PageCounter(top), new PageCounter(top)];
  return [top, ...parents, ...parents.flatMap((parent) => [new PageCounter(parent), new PageCounter(parent)])];
}

test('Does a refused charge leave nothing behind but the highest usage of those below the full one?', () => {
  const top = new PageCounter();
  top.max = 10;
  const child = new PageCounter(top);
  expect(child.tryCharge(8)).toBeUndefined();
  expect(child.tryCharge(3)).toBe(top);
  expect([child.usage, top.usage, top.failcnt, child.failcnt]).toEqual([8, 8, 1, 0]);
  expect([child.watermark, top.watermark]).toEqual([11, 8]);
});

test('Does every counter equal the sum of what was charged at or below it, whatever is charged, refused and given back?', () => {
  const step = fc.tuple(fc.nat({ max: 6 }), fc.integer({ min: 1, max: 70 }), fc.constantFrom('try', 'force', 'give'));
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(fc.nat({ max: 300 }), { minLength: 7, maxLength: 7 }),
      (steps, max) => {
        const counters = family();
        const own = counters.map(() => 0);
        counters.forEach((counter, i) => {
          counter.max = max[i] as number;
        });
        const below = (at: number): number =>
          counters.reduce((sum, counter, i) => {
            let up: PageCounter | undefined = counter;
            while (up !== undefined && up !== counters[at]) up = up.parent;
            return up === undefined ? sum : sum + (own[i] as number);
          }, 0);
        for (const [at, pages, how] of steps) {
          const counter = counters[at] as PageCounter;
          if (how === 'give') {
            const given = Math.min(pages, own[at] as number);
            counter.uncharge(given);
            (own[at] as number) -= given;
          } else if (how === 'force' || counter.tryCharge(pages) === undefined) {
            if (how === 'force') counter.charge(pages);
            (own[at] as number) += pages;
          }
          counters.forEach((one, i) => {
            expect(one.usage).toBe(below(i));
            expect(one.watermark).toBeGreaterThanOrEqual(one.usage);
          });
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('Does a parent know how much of the protection of its children is in use?', () => {
  const protectedPages = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 90 }), fc.nat({ max: 90 })), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(protectedPages, (steps) => {
      const parent = new PageCounter();
      const children = [0, 1, 2, 3].map(() => new PageCounter(parent));
      for (const [at, usage, setting] of steps) {
        const child = children[at] as PageCounter;
        child.min = setting;
        child.low = 2 * setting;
        if (usage > child.usage) child.charge(usage - child.usage);
        else child.uncharge(child.usage - usage);
        expect(parent.childrenMin).toBe(children.reduce((sum, one) => sum + Math.min(one.usage, one.min), 0));
        expect(parent.childrenLow).toBe(children.reduce((sum, one) => sum + Math.min(one.usage, one.low), 0));
      }
    }),
  );
});

test('Does a counter come back from its saved state, its claims on the parent included?', () => {
  const [parent, child] = [new PageCounter(), new PageCounter()];
  const below = new PageCounter(parent);
  below.charge(20);
  Object.assign(below, { min: 8, low: 30, max: 50, high: 40 });
  const [restored, restoredBelow] = [child, new PageCounter(child)];
  restored.restore(parent.save());
  restoredBelow.restore(below.save());
  expect(restoredBelow.save()).toEqual(below.save());
  expect([restored.childrenMin, restored.childrenLow]).toEqual([8, 20]);
});
