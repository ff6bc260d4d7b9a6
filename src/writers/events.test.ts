import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventLog } from '../kernel/trace/event-log.ts';
import {
  EXCEPTIONS_PAGE_FAULT_USER,
  SCHED_SCHED_PROCESS_EXEC,
  SYS_ENTER_MUNMAP,
  TRACEPOINTS,
} from '../kernel/tracepoints.ts';
import { EventFileError, readEvents } from '../readers/events.ts';
import { traceToFile } from './event-file.ts';
import { columnarEventWriter } from './events.ts';

/** What a log that ran `drive` left in a file of this name. */
function fileWritten(
  name: string,
  drive: (log: EventLog, clock: { now: number }) => void,
  points?: string,
): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-events-'));
  try {
    const clock = { now: 0 };
    const log = new EventLog(clock, 16);
    const finish = traceToFile(log, join(folder, name), { points, about: { command: 'ls' } });
    drive(log, clock);
    finish();
    return readFileSync(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function execAndFault(log: EventLog, clock: { now: number }): void {
  clock.now = 1500;
  log.cpu = 1;
  log.emit(SCHED_SCHED_PROCESS_EXEC, 7, log.intern('/bin/ls, "x"'), 7, 7);
  clock.now = 2000.5;
  log.emit(EXCEPTIONS_PAGE_FAULT_USER, 7, 0x7ffff7fff000, 0, 6);
}

test('are rows read back as they were written, whatever the ring and the chunks?', () => {
  // Columns of whole numbers do not keep the sign of a zero.
  const argument = fc.double({ noNaN: true }).map((value) => value + 0);
  const row = fc.tuple(fc.nat({ max: TRACEPOINTS.length - 1 }), fc.integer(), argument, fc.nat());
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (rows, capacity) => {
      const clock = { now: 0 };
      const log = new EventLog(clock, capacity);
      const parts: Uint8Array[] = [];
      const writer = columnarEventWriter(
        (bytes) => parts.push(bytes),
        () => log.strings,
      );
      log.start(writer.sink);
      for (const [point, pid, a, f] of rows) {
        clock.now++;
        log.emit(point, pid, a, 0, 0, 0, 0, f);
      }
      log.stop();
      writer.end(log.lost);
      const file = readEvents(Uint8Array.from(parts.flatMap((part) => [...part])));
      const read = file.chunks.flatMap(({ point, pid, args }) =>
        Array.from(point, (number, i) => [number, pid[i], args[0]?.[i], args[5]?.[i]]),
      );
      expect(read).toEqual(rows.map(([point, pid, a, f]) => [point, pid, a, f]));
      expect([file.complete, file.lost, file.rows]).toEqual([true, 0, rows.length]);
    }),
  );
});

test('does the file describe itself: definitions, strings, what ran?', () => {
  const file = readEvents(fileWritten('out.flev', execAndFault));
  expect(file.header.about).toEqual({ command: 'ls' });
  const first = file.chunks[0];
  const point = file.header.tracepoints[first?.point[0] ?? -1];
  expect(point?.name).toBe('sched_process_exec');
  expect(point?.fields[0]).toEqual({ name: 'filename', type: 's' });
  expect(file.strings[first?.args[0]?.[0] ?? -1]).toBe('/bin/ls, "x"');
  expect([first?.time[1], first?.cpu[1], first?.pid[1]]).toEqual([2000.5, 1, 7]);
});

test('is CSV a line an event, with text in quotes and addresses in hexadecimal?', () => {
  expect(text(fileWritten('out.csv', execAndFault)).split('\n')).toEqual([
    'time_ns,cpu,pid,event,fields',
    '1500,1,7,sched:sched_process_exec,"filename=/bin/ls, ""x"" pid=7 old_pid=7"',
    '2000.5,1,7,exceptions:page_fault_user,"address=0x7ffff7fff000 ip=0x0 error_code=0x6"',
    '',
  ]);
});

test('is JSONL an object an event, with the fields under their own names?', () => {
  const lines = text(fileWritten('out.jsonl', execAndFault)).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      time: 1500,
      cpu: 1,
      common_pid: 7,
      event: 'sched:sched_process_exec',
      filename: '/bin/ls, "x"',
      pid: 7,
      old_pid: 7,
    },
    {
      time: 2000.5,
      cpu: 1,
      common_pid: 7,
      event: 'exceptions:page_fault_user',
      address: 0x7ffff7fff000,
      ip: 0,
      error_code: 6,
    },
  ]);
});

test('are only the tracepoints that were asked for in the file?', () => {
  const drive = (log: EventLog, clock: { now: number }) => {
    execAndFault(log, clock);
    log.emit(SYS_ENTER_MUNMAP, 7, 0, 4096);
  };
  expect(
    text(fileWritten('out.csv', drive, 'syscalls:*'))
      .trimEnd()
      .split('\n')
      .slice(1),
  ).toEqual(['2000.5,1,7,syscalls:sys_enter_munmap,"addr=0x0 len=0x1000"']);
  expect(() => fileWritten('out.csv', drive, 'syscall:*')).toThrow(RangeError);
});

test('is a cut file read up to its last whole chunk, and a foreign one refused?', () => {
  const bytes = fileWritten('out.flev', (log) => {
    for (let i = 0; i < 50; i++) log.emit(EXCEPTIONS_PAGE_FAULT_USER, 1, i);
  });
  const rows = new Set<number>();
  for (let length = 0; length < bytes.length; length++) {
    try {
      const file = readEvents(bytes.subarray(0, length));
      if (length < bytes.length - 7) expect(file.complete).toBe(false);
      rows.add(file.rows);
    } catch (error) {
      expect(error).toBeInstanceOf(EventFileError);
    }
  }
  expect([...rows]).toEqual([0, 16, 32, 48, 50]);
  expect(() => readEvents(new TextEncoder().encode('time_ns,cpu,pid'))).toThrow('not an event file');
});

test('is a broken file read or refused with one clear error, never anything else?', () => {
  const bytes = fileWritten('out.flev', execAndFault);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { minLength: 1 }),
      (edits) => {
        const broken = new Uint8Array(bytes);
        for (const [at, value] of edits) broken[at] = value;
        try {
          readEvents(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(EventFileError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
