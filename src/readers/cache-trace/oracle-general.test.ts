import { expect, test } from 'vitest';
import { NEVER } from '../../program/cache/request-buffer.ts';
import { collect } from './testing/collect.ts';

interface Record {
  readonly object: bigint;
  readonly size?: number;
  readonly next: bigint;
}

const LARGEST = 2n ** 63n - 1n;

function file(records: readonly Record[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(records.length * 24));
  records.forEach(({ object, size = 4096, next }, i) => {
    view.setUint32(i * 24, i, true);
    view.setBigUint64(i * 24 + 4, object, true);
    view.setUint32(i * 24 + 12, size, true);
    view.setBigInt64(i * 24 + 16, next, true);
  });
  return new Uint8Array(view.buffer);
}

const GOOD = file([
  { object: 5n, next: 2n },
  { object: 2n ** 40n + 1n, next: -1n },
  { object: 5n, next: LARGEST },
]);

test.each([72, 24, 25, 23, 7, 1])('does it read records that are cut into pieces of %i bytes?', (piece) => {
  expect(collect('oracleGeneral', GOOD, { piece })).toEqual({
    requests: ['5', String(2 ** 40 + 1), '5'],
    next: [2, NEVER, NEVER],
    calls: ['read object at 0', 'read object at 1000000000', 'read object at 2000000000'],
    skipped: 0,
  });
});

test('is a record of no bytes no request?', () => {
  const trace = file([
    { object: 1n, size: 0, next: -1n },
    { object: 2n, next: -1n },
  ]);
  expect(collect('oracleGeneral', trace).requests).toEqual(['2']);
});

test.each([
  ['a next access in the past', 1n],
  ['a next access before all', -7n],
])('does %s name its record?', (_, next) => {
  const trace = file([
    { object: 1n, next: -1n },
    { object: 2n, next },
    { object: 3n, next: -1n },
  ]);
  expect(() => collect('oracleGeneral', trace)).toThrow(`record 2: its next access, ${next}, is no later request`);
  expect(collect('oracleGeneral', trace, { skip: true })).toMatchObject({ requests: ['1', '3'], skipped: 1 });
});

test('does a file that ends within a record say so?', () => {
  const cut = GOOD.subarray(0, 60);
  expect(() => collect('oracleGeneral', cut)).toThrow('record 3: the file ends after 12 of its 24 bytes');
  expect(collect('oracleGeneral', cut, { skip: true })).toMatchObject({
    requests: ['5', String(2 ** 40 + 1)],
    skipped: 1,
  });
});
