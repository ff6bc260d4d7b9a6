import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type BlockDeviceModel, hdd, nvme, ssd } from '../hardware/block-device.ts';
import { costs } from '../hardware/costs.ts';
import type { Answer } from '../program/scenario/answer.ts';
import { parseScenario } from '../program/scenario/parser.ts';
import { runScenario } from '../program/scenario/runner.ts';

const PAGES = 16384;
const PAGE = 4096;
/** Readahead's largest window on the scenarios' file system: max_sectors_kb of zram, 124 kB, is less than read_ahead_kb. */
const REQUEST = 31 * PAGE;

interface Timed extends Answer {
  ns: number;
}

/** The answers of an example on a disk, each with the time that it took. */
function example(name: string, disk: BlockDeviceModel): Timed[] {
  const url = new URL(`../../examples/${name}`, import.meta.url);
  const answers: Timed[] = [];
  const report = (answer: Answer, ns: number) => answers.push({ ...answer, ns });
  runScenario(parseScenario(name, readFileSync(url, 'utf8')), { memory: 256 << 20, disk }, { report });
  return answers;
}

const answersOf = (answers: Timed[], op: string): Timed[] => answers.filter((answer) => String(answer.op).includes(op));

test('is the second read of 64 MiB cheaper by what the device took, the copy being the same?', () => {
  for (const disk of [nvme, ssd, hdd]) {
    const [first, second] = answersOf(example('read-twice.txt', disk), ' read f ') as [Timed, Timed];
    expect([first.rd_kb, second.rd_kb, first.ret, second.ret]).toEqual([65536, undefined, 64 << 20, 64 << 20]);
    const copy = PAGES * costs.pageCopy + 64 * (costs.systemCall + costs.fileCall);
    const seek = disk.longestSeek === 0 ? 0 : disk.halfTurn + disk.shortestSeek;
    const device = (64 << 20) / disk.bandwidth + ((64 << 20) / REQUEST) * disk.readLatency + seek;
    expect(second.ns / copy, disk.name).toBeCloseTo(1, 1);
    expect(first.ns / second.ns / ((device + copy) / copy), disk.name).toBeCloseTo(1, 1);
  }
});

test('does a read of 4 KiB cost what the handbook says, from the disk and from memory?', () => {
  const expected: [BlockDeviceModel, number, number][] = [
    [nvme, 70_000, 100_000],
    [ssd, 100_000, 200_000],
    [hdd, 1_000_000, 10_000_000],
  ];
  for (const [disk, least, most] of expected) {
    const [cold, cached] = answersOf(example('read-twice.txt', disk), ' pread p ') as [Timed, Timed];
    expect(cold.ns, disk.name).toBeGreaterThan(least);
    expect(cold.ns, disk.name).toBeLessThan(most);
    expect(cached.ns).toBeGreaterThanOrEqual(500);
    expect(cached.ns).toBeLessThanOrEqual(1000);
  }
});

test('does a mapping pay with faults what read pays with copies, and nothing once it is there?', () => {
  const answers = example('mmap-against-read.txt', nvme);
  const [read, coldRead] = answersOf(answers, ' read f ') as [Timed, Timed];
  const [mapped, again, cold] = answersOf(answers, ' touch ') as [Timed, Timed, Timed];
  expect([read.minflt, mapped.minflt, again.minflt]).toEqual([0, PAGES / 16, 0]);
  const faults = (PAGES / 16) * (costs.minorFault + 15 * costs.faultAroundPage);
  expect(mapped.ns).toBeGreaterThan(faults);
  expect(mapped.ns).toBeLessThan(read.ns);
  expect(again.ns).toBeLessThan(mapped.ns / 10);
  expect([coldRead.majflt, cold.rd_kb]).toEqual([0, 65536]);
  expect(cold.majflt).toBeGreaterThan(0);
  expect(cold.ns).toBeGreaterThan(10 * mapped.ns);
});

test('does a machine without a disk keep no time but that of copies and of idleness?', () => {
  const scenario = parseScenario('t.txt', 'file f size=1M\nspawn A\nA open f f\nA pread f size=4K\nsleep 3');
  const times: number[] = [];
  runScenario(scenario, { memory: 64 << 20 }, { report: (_answer, ns) => times.push(ns) });
  expect(times).toEqual([0, 0, 0, costs.pageCopy, 3e6]);
});
