import { expect, test } from 'vitest';
import { nvme } from '../../hardware/block-device.ts';
import { STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../uapi.ts';
import { PSI_PERIOD_NS } from './psi-averages.ts';
import { PsiGroup } from './psi-group.ts';

const SECOND = 1e9;
const text = (group: PsiGroup, kind: 'some' | 'full'): string => group[kind].text;

test('does a machine without waits show zeros in the words of the kernel?', () => {
  const { kernel } = new Machine({ memory: 32 << 20 });
  expect(kernel.psi.text(0)).toBe(
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  );
});

test('do the averages of a half-stalled minute rise as an exponential does, to the kernel’s fixed-point steps?', () => {
  const group = new PsiGroup(0);
  for (let t = 0; t < 60 * SECOND; t += SECOND / 10) group.stalled(t, t + SECOND / 20, true);
  group.update(60 * SECOND);
  const [ten, sixty, three] =
    text(group, 'some')
      .match(/\d+\.\d+/g)
      ?.map(Number) ?? [];
  const expected = (tau: number): number => 50 * (1 - Math.exp(-60 / tau));
  // A sample is a whole per cent, cut off, and a period is 2.004 s.
  expect(Math.abs((ten ?? 0) - expected(10))).toBeLessThan(1.2);
  expect(Math.abs((sixty ?? 0) - expected(60))).toBeLessThan(1.2);
  expect(Math.abs((three ?? 0) - expected(300))).toBeLessThan(1.2);
  expect(text(group, 'full')).toContain('total=30000000');
});

test('is the first sample of a fully stalled period what calc_load gives?', () => {
  const group = new PsiGroup(0);
  group.stalled(0, PSI_PERIOD_NS, false);
  group.update(PSI_PERIOD_NS);
  // 100 % * (2048 - 1677) / 2048, rounded up in the last bit.
  expect(text(group, 'some')).toBe('avg10=18.11 avg60=3.27 avg300=0.68 total=2004000');
  expect(text(group, 'full')).toBe('avg10=0.00 avg60=0.00 avg300=0.00 total=0');
});

test('do long quiet times fade the averages at once as they would period by period?', () => {
  const once = new PsiGroup(0);
  const often = new PsiGroup(0);
  for (const group of [once, often]) group.stalled(0, 20 * SECOND, true);
  for (let n = 11; n <= 40; n++) often.update(n * PSI_PERIOD_NS);
  once.update(40 * PSI_PERIOD_NS);
  const numbers = (group: PsiGroup) =>
    text(group, 'some')
      .match(/\d+\.\d+/g)
      ?.map(Number) ?? [];
  numbers(once).forEach((value, i) => {
    expect(Math.abs(value - (numbers(often)[i] ?? Number.NaN))).toBeLessThan(0.5);
  });
});

test('are waits of several at once counted once?', () => {
  const group = new PsiGroup(0);
  group.stalled(100, 1_000_100, false);
  group.stalled(500_000, 1_500_000, true);
  expect(text(group, 'some')).toContain('total=1499');
  expect(text(group, 'full')).toContain('total=1000');
});

test('does a program that wants more than there is wait for memory, and its cgroup with it?', () => {
  const machine = new Machine({ memory: 32 << 20, disk: nvme, swap: 128 << 20, transparentHugePages: 'never' });
  const { kernel } = machine;
  const group = kernel.cgroups.create('g');
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  task.mm.memcg = group?.id ?? 0;
  machine.runOn(0, task);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const at = kernel.addressSpaces.mmap(task, 0, 48 << 20, PROT_READ | PROT_WRITE, flags, undefined, 0);
  for (let round = 0; round < 3; round++)
    for (let page = 0; page < 12_288; page++) {
      machine.touch(task, at + page * 4096, STORE);
      machine.clock.settle();
    }
  const total = (name: string, of: number) =>
    Number(new RegExp(`${name}.*total=(\\d+)`).exec(kernel.psi.text(of))?.[1]);
  expect(total('full', 0)).toBeGreaterThan(1000);
  expect(total('some', 0)).toBeGreaterThanOrEqual(total('full', 0));
  expect(total('full', group?.id ?? 0)).toBe(total('full', 0));
  expect(total('some', 0)).toBeLessThan(machine.clock.now / 1000);
  // It goes on in a snapshot as it was.
  const copy = Machine.restore(machine.save());
  expect(copy.kernel.psi.text(0)).toBe(kernel.psi.text(0));
});
