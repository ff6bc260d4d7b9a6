import { expect, test } from 'vitest';
import { MemCgroup } from './mem-cgroup.ts';
import { calculateProtection, isBelowLow, isBelowMin, unprotected } from './protection.ts';

const MIB = 256;

/** The tree of the kernel's own tests: A (the limit) holds B and G; B holds C, D, E and F. */
function tree(which: 'min' | 'low'): Record<'A' | 'B' | 'C' | 'D' | 'E' | 'F', MemCgroup> {
  const A = new MemCgroup(1, 'A', new MemCgroup(0, ''));
  const B = new MemCgroup(2, 'B', A);
  const [C, D, E, F] = ['C', 'D', 'E', 'F'].map((name, i) => new MemCgroup(3 + i, name, B)) as [
    MemCgroup,
    MemCgroup,
    MemCgroup,
    MemCgroup,
  ];
  const settings: [MemCgroup, number][] = [
    [B, 50],
    [C, 75],
    [D, 25],
    [E, 500],
  ];
  for (const [group, mib] of settings) group.memory[which] = mib * MIB;
  for (const group of [C, D, F]) group.memory.charge(50 * MIB);
  return { A, B, C, D, E, F };
}

const calculate = (root: MemCgroup): void => {
  for (const group of root.subtree()) calculateProtection(root, group);
};

test('How is the protection of a parent shared? In proportion to what its children claim and use', () => {
  const { A, B, C, D, E, F } = tree('min');
  calculate(A);
  expect([B.memory.emin, C.memory.emin, D.memory.emin].map((pages) => Math.round((10 * pages) / MIB) / 10)).toEqual([
    50, 33.3, 16.7,
  ]);
  expect([E.memory.emin, F.memory.emin]).toEqual([0, 0]);
});

test('Where does repeated reclaim end? Near 29, 21 and 0 MiB, as the kernel test expects', () => {
  const { A, B, C, D, F } = tree('min');
  const control = { memcgLowReclaim: false, memcgLowSkipped: false };
  // Every round takes a tenth of what each group may lose, until B has what it is to keep.
  while (B.memory.usage > 50.2 * MIB) {
    calculate(A);
    for (const group of [C, D, F]) {
      if (isBelowMin(A, group)) continue;
      group.memory.uncharge(
        Math.min(group.memory.usage, Math.ceil(unprotected(group, group.memory.usage, control) / 10)),
      );
    }
  }
  const mib = [C, D, F].map(({ memory }) => memory.usage / MIB);
  expect(mib[0]).toBeGreaterThan(27);
  expect(mib[0]).toBeLessThan(33);
  expect(mib[1]).toBeGreaterThan(17);
  expect(mib[1]).toBeLessThan(23);
  expect(mib[2]).toBeLessThan(2);
});

test('Who gets what a parent is to keep and no child claims? Those who use more, by how much more', () => {
  const root = new MemCgroup(1, 'r', new MemCgroup(0, ''));
  const parent = new MemCgroup(2, 'p', root);
  const [claims, silent] = [new MemCgroup(3, 'x', parent), new MemCgroup(4, 'y', parent)];
  parent.memory.low = 100;
  claims.memory.low = 20;
  claims.memory.charge(60);
  silent.memory.charge(80);
  calculate(root);
  // 80 are unclaimed; beyond its claim x uses 40 and y 80.
  expect(claims.memory.elow).toBe(20 + Math.floor((80 * 40) / 120));
  expect(silent.memory.elow).toBe(Math.floor((80 * 80) / 120));
});

test('Is the group that is asked itself protected? No, only from reclaim further up', () => {
  const top = new MemCgroup(0, '');
  const group = new MemCgroup(1, 'g', top);
  group.memory.min = 10;
  group.memory.low = 20;
  group.memory.charge(15);
  calculateProtection(top, group);
  expect([isBelowMin(top, group), isBelowLow(top, group)]).toEqual([false, true]);
  expect([isBelowMin(group, group), isBelowLow(group, group)]).toEqual([false, false]);
});

test('How far does reclaim look at a list that is partly protected? By what lies above, and 32 pages at least', () => {
  const top = new MemCgroup(0, '');
  const group = new MemCgroup(1, 'g', top);
  group.memory.charge(1000);
  Object.assign(group.memory, { min: 100, low: 600 });
  calculateProtection(top, group);
  const gentle = { memcgLowReclaim: false, memcgLowSkipped: false };
  expect(unprotected(group, 500, gentle)).toBe(500 - Math.floor((500 * 600) / 1001));
  expect(gentle.memcgLowSkipped).toBe(true);
  const hard = { memcgLowReclaim: true, memcgLowSkipped: false };
  expect(unprotected(group, 500, hard)).toBe(500 - Math.floor((500 * 100) / 1001));
  expect(hard.memcgLowSkipped).toBe(false);
  expect(unprotected(group, 40, { memcgLowReclaim: false, memcgLowSkipped: false })).toBe(32);
});
