import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventLog, type EventRows } from './trace/event-log.ts';
import * as events from './trace/events.ts';
import * as syscalls from './trace/syscalls.ts';
import { TRACEPOINTS, tracepointsNamed } from './tracepoints.ts';

const clockAt = (now: number) => ({ now });

/** The first argument of every row, in order. */
function firstArguments(log: EventLog): number[] {
  const seen: number[] = [];
  log.read((rows) => seen.push(...(rows.args[0] as Float64Array)));
  return seen;
}

test('does every constant stand at its own line?', () => {
  const titles = TRACEPOINTS.map(({ system, name }) => `${system}_${name}`.toUpperCase());
  const constants = Object.entries(events).filter(
    ([name, value]) => typeof value === 'number' && !/^TLB_(?!TLB)/.test(name),
  );
  for (const [name, point] of constants) expect([name, titles[point as number]]).toEqual([name, name]);
  const calls = Object.entries(syscalls).filter(([name]) => name.startsWith('SYS_ENTER_'));
  for (const [name, point] of calls) {
    expect(titles[point as number]).toBe(`SYSCALLS_${name}`);
    expect(titles[syscalls.sysExit(point as number)]).toBe(`SYSCALLS_${name.replace('ENTER', 'EXIT')}`);
  }
  expect(constants.length + 2 * calls.length).toBe(TRACEPOINTS.length);
});

test('has a tracepoint more fields than a row has columns?', () => {
  for (const { fields } of TRACEPOINTS) {
    expect(fields.length).toBeLessThanOrEqual(6);
    for (const { type } of fields) expect('xds').toContain(type);
  }
});

test('does a log that nobody started write anything?', () => {
  const log = new EventLog(clockAt(5));
  log.emit(events.KMEM_MM_PAGE_FREE, 1, 2);
  expect(log.on).toBe(false);
  expect(firstArguments(log)).toEqual([]);
});

test('does a sink get every row once, in order, however small the ring?', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.oneof(fc.nat(), fc.constant(-1))), (capacity, steps) => {
      const log = new EventLog(clockAt(0), capacity);
      const seen: number[] = [];
      const sink = (rows: EventRows) => seen.push(...(rows.args[0] as Float64Array));
      log.start(sink);
      for (const step of steps) {
        if (step < 0) log.drain();
        else log.emit(events.KMEM_MM_PAGE_FREE, 1, step);
      }
      log.stop();
      expect(seen).toEqual(steps.filter((step) => step >= 0));
      expect(log.lost).toBe(0);
    }),
  );
});

test('does a ring without a sink keep the newest rows and say how many it lost?', () => {
  const log = new EventLog(clockAt(0), 4);
  log.start();
  for (let i = 0; i < 10; i++) log.emit(events.KMEM_MM_PAGE_FREE, 1, i);
  expect(firstArguments(log)).toEqual([6, 7, 8, 9]);
  expect(log.lost).toBe(6);
});

test('does a row hold its time, CPU, process and arguments?', () => {
  const clock = clockAt(0);
  const log = new EventLog(clock);
  log.start();
  clock.now = 77;
  log.cpu = 3;
  log.emit(syscalls.SYS_ENTER_MMAP, 42, 1, 2, 3, 4, 5, 6);
  log.read((rows) => {
    expect([rows.count, rows.time[0], rows.point[0], rows.cpu[0], rows.pid[0]]).toEqual([
      1,
      77,
      syscalls.SYS_ENTER_MMAP,
      3,
      42,
    ]);
    expect(rows.args.map((column) => column[0])).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

test('are only the chosen tracepoints written?', () => {
  const log = new EventLog(clockAt(0));
  log.start(undefined, tracepointsNamed('kmem:rss_stat'));
  log.emit(events.KMEM_RSS_STAT, 1, 8);
  log.emit(events.KMEM_MM_PAGE_FREE, 1, 9);
  expect(firstArguments(log)).toEqual([8]);
});

test('do names and patterns find tracepoints, and is an unknown name named?', () => {
  expect(tracepointsNamed('tlb:tlb_flush,exceptions:*')).toEqual([
    events.EXCEPTIONS_PAGE_FAULT_USER,
    events.EXCEPTIONS_PAGE_FAULT_KERNEL,
    events.TLB_TLB_FLUSH,
  ]);
  expect(tracepointsNamed('*')).toHaveLength(TRACEPOINTS.length);
  expect(tracepointsNamed('syscalls:*_mmap')).toEqual([syscalls.SYS_ENTER_MMAP, syscalls.SYS_ENTER_MMAP + 1]);
  expect(() => tracepointsNamed('kmem.rss_stat')).toThrow(RangeError);
  expect(() => tracepointsNamed('kmem:rss_stats')).toThrow(/kmem:rss_stats/);
});

test('does a restored log go on with the same string numbers?', () => {
  const log = new EventLog(clockAt(0));
  log.intern('sort');
  const ls = log.intern('ls');
  const other = new EventLog(clockAt(0));
  other.restore(log.save());
  expect(other.intern('ls')).toBe(ls);
  expect(other.intern('new')).toBe(2);
  expect(other.strings).toEqual(['sort', 'ls', 'new']);
});

test('does the real kernel know every tracepoint and every field of it?', () => {
  const recorded = readFileSync(new URL('./trace/fixtures/formats.txt', import.meta.url), 'utf8');
  const real = new Map(
    recorded
      .trim()
      .split('\n')
      .map((line) => [line.split(' ')[0], line.split(' ').slice(1)]),
  );
  for (const { system, name, fields } of TRACEPOINTS) {
    const known = real.get(`${system}:${name}`) ?? [];
    for (const field of fields) expect(known, `${system}:${name}`).toContain(field.name);
  }
});
