/** Programs with less memory than they want: a memory cgroup's limit, swap, and the OOM killer. */
import { describe, expect, test } from 'vitest';
import { checkInvariants } from '../../kernel/invariants.ts';
import { Machine } from '../../machine/machine.ts';
import { Replay } from './replay.ts';
import { reportOf } from './replay-report.ts';
import { recordingOf, StreamMaker } from './testing/make-recording.ts';

const PAGE = 4096;
const BIG = 0x4a00;
const SMALL = 0x8a00;
const RW = 3;
const PRIVATE_ANON = 0x22;
const PAGES = 2048;
const LIMIT = 4 << 20;

const mmap = (stream: StreamMaker, page: number, pages: number): StreamMaker =>
  stream.call('mmap', [0, pages * PAGE, RW, PRIVATE_ANON, -1, 0], page * PAGE);

/** Stores to page after page, an instruction each. */
function store(stream: StreamMaker, first: number, pages: number): StreamMaker {
  for (let page = first; page < first + pages; page++) stream.touch(page, 1, 1);
  return stream;
}

/** Touches 8 MiB, in two blocks: what it forks, if it does, goes on between and after these. */
function streams(): StreamMaker[] {
  const parent = new StreamMaker(0, 100).start();
  mmap(parent, SMALL, 64).touch(SMALL, 64, 1).call('fork', [], 101);
  const child = new StreamMaker(1, 101).touch(SMALL, 64, 1);
  const greedy = store(mmap(new StreamMaker(0, 100), BIG, PAGES), BIG, PAGES);
  const after = new StreamMaker(1, 101).touch(SMALL, 64);
  const never = new StreamMaker(0, 100).touch(BIG, PAGES).event({ type: 'end', exitCode: 0 });
  return [parent, child, greedy, after, never];
}

function replay(swap: number, limit: number | undefined): Replay {
  const machine = new Machine({ memory: 64 << 20, swap });
  return Replay.start(machine, recordingOf(streams()), limit === undefined ? {} : { limit });
}

function finished(swap: number, limit?: number): Replay {
  const done = replay(swap, limit);
  done.finish();
  expect(checkInvariants(done.machine.kernel)).toEqual([]);
  return done;
}

describe('a replay with a limit', () => {
  test('wide enough: does nothing but the count change?', () => {
    const { cgroup, ...limited } = reportOf(finished(0, 32 << 20), 1);
    const { cgroup: none, ...free } = reportOf(finished(0), 1);
    expect(limited).toEqual(free);
    expect([none, cgroup?.limit, cgroup?.failcnt, cgroup?.oomKills]).toEqual([null, 32 << 20, 0, 0]);
    expect(cgroup?.peak).toBeGreaterThan(8 << 20);
  });

  test('too small, no swap: is the greedy program killed where it passes the limit, and does its child go on?', () => {
    const done = finished(0, LIMIT);
    const report = reportOf(done, 1);
    expect(report.log.filter((line) => line.includes('Killed process'))).toHaveLength(1);
    expect([report.cgroup?.oomKills, report.faults.invalid, report.strayRuns]).toEqual([1, 0, 0]);
    expect(report.peakRss).toBeLessThanOrEqual(LIMIT);
    // The whole limit was charged. Of its pages the parent and the child had 64 each, some are tables and stacks, and 8 are the
    // kernel's own for the child: its stack and what describes it.
    expect(report.cgroup?.peak).toBe(LIMIT);
    const stores = report.instructions - 64 - 64 - 64;
    expect(stores).toBeLessThan(LIMIT / PAGE - 128);
    expect(stores).toBeGreaterThan(LIMIT / PAGE - 128 - 24);
    // The child played to its end: it alone lives.
    expect(report.processes.map(({ pid }) => pid)).toEqual([2, 3]);
    expect([...done.machine.kernel.processes.all.keys()]).toEqual([3]);
  });

  test('too small, with swap: does all of it run, its pages going out and coming back?', () => {
    const report = reportOf(finished(16 << 20, LIMIT), 1);
    expect(report.log).toEqual([expect.stringMatching(/^Adding 16380k swap on /)]);
    expect(report.instructions).toBe(reportOf(finished(0), 1).instructions);
    expect(report.swap.out).toBeGreaterThan(PAGES - LIMIT / PAGE);
    expect(report.swap.in).toBeGreaterThan(PAGES - LIMIT / PAGE);
    expect(report.peakRss).toBeLessThanOrEqual(LIMIT);
  });

  test('saved before or after the kill and restored: does it end the same?', () => {
    const whole = reportOf(finished(0, LIMIT), 1);
    for (const records of [100, 600, 1100, 1250]) {
      const first = replay(0, LIMIT);
      first.advance(records);
      const [machine, state] = structuredClone([first.machine.save(), first.save()]);
      const second = Replay.restore(Machine.restore(machine), recordingOf(streams()), state);
      second.finish();
      expect(reportOf(second, 1)).toEqual(whole);
    }
  });
});
