/** What the machine's memory means for a broker: none of it is written into the model. */
import { expect, test } from 'vitest';
import { hdd, nvme } from '../../../hardware/block-device.ts';
import { checkInvariants } from '../../../kernel/invariants.ts';
import { Machine } from '../../../machine/machine.ts';
import { ServiceError } from '../service-process.ts';
import type { ConsumerReport } from './consumer.ts';
import { type KafkaReport, runKafka } from './kafka.ts';
import { KAFKA_DEFAULTS, type KafkaSettings, kafkaSettings } from './settings.ts';

const MIB = 2 ** 20;

/** 100 MiB in 10 seconds; a consumer that was away for 5 begins 50 MiB behind. */
const SMALL = {
  segmentBytes: 32 * MIB,
  indexMaxBytes: 64 * 1024,
  producedPerSecond: 10 * MIB,
  catchUpPerSecond: 20 * MIB,
  awaySeconds: 5,
  seconds: 10,
  heapBytes: 4 * MIB,
};

const small = (memory: number, settings: Partial<KafkaSettings> = {}, disk = nvme): KafkaReport =>
  runKafka(new Machine({ memory, disk }), { settings: { ...SMALL, ...settings } });

function consumer(report: KafkaReport, name: string): ConsumerReport {
  const found = report.consumers.find((candidate) => candidate.name === name);
  if (found === undefined) throw new RangeError(`no consumer ${name}`);
  return found;
}

test('is a consumer at the end of the log served from the cache, however little memory there is?', () => {
  const tail = consumer(small(32 * MIB), 'tail');
  expect(tail.bytes).toBeGreaterThan(99 * MIB);
  expect(tail.cachedShare).toBe(1);
  expect(tail.latency.p50Ns).toBeLessThan(20_000);
});

test('does a consumer that is behind by more than memory pay disk reads, and not a byte with enough memory?', () => {
  const poor = consumer(small(32 * MIB), 'lagging');
  expect(poor.cachedShare).toBeLessThan(0.5);
  expect(poor.diskBytes).toBeGreaterThan(poor.bytes / 2);
  const rich = consumer(small(256 * MIB), 'lagging');
  expect([rich.cachedShare, rich.diskReads, rich.diskBytes]).toEqual([1, 0, 0]);
  expect(poor.latency.meanNs).toBeGreaterThan(5 * rich.latency.meanNs);
});

test('does more memory never mean more disk reads for it?', () => {
  const reads = [32, 48, 96, 160].map((memory) => consumer(small(memory * MIB), 'lagging').diskBytes);
  expect(reads).toEqual(reads.toSorted((a, b) => b - a));
  expect(new Set(reads).size).toBeGreaterThan(2);
});

test('is a container as poor as a machine of its size, and is one that cannot hold the broker told so?', () => {
  const inContainer = (limit: number, settings = {}): ConsumerReport =>
    consumer(small(512 * MIB, { limitBytes: limit, ...settings }), 'lagging');
  const poor = inContainer(32 * MIB);
  expect(poor.cachedShare).toBeLessThan(0.5);
  expect(poor.diskBytes).toBeGreaterThan(poor.bytes / 2);
  expect(inContainer(256 * MIB).diskBytes).toBe(0);
  expect(() => inContainer(8 * MIB, { heapBytes: 16 * MIB })).toThrow('its container has too little memory');
});

test('does a larger read-ahead find more cached and make fewer requests?', () => {
  const [few, many] = [128, 2048].map((kib) =>
    consumer(small(512 * MIB, { limitBytes: 32 * MIB, readAheadBytes: kib * 1024 }), 'lagging'),
  );
  expect(many?.cachedShare).toBeGreaterThan(few?.cachedShare as number);
  expect(many?.diskReads).toBeLessThan((few?.diskReads as number) / 4);
});

test('does it pay more on a disk with an arm?', () => {
  const on = (disk: typeof nvme): number => consumer(small(32 * MIB, {}, disk), 'lagging').latency.meanNs;
  expect(on(hdd)).toBeGreaterThan(5 * on(nvme));
});

test('does every consumer get exactly the bytes that were produced, in every partition, across segments and evictions?', () => {
  const machine = new Machine({ memory: 8 * MIB, contents: 'bytes' });
  const byteAt = (partition: number, position: number): number =>
    (position * 31 + (position >> 12) + partition * 7) & 255;
  const ends = new Map<string, number>();
  let wrong = 0;
  const report = runKafka(machine, {
    settings: {
      partitions: 2,
      segmentBytes: MIB,
      indexMaxBytes: 4096,
      batchBytes: 10_000,
      producedPerSecond: 4 * MIB,
      catchUpPerSecond: 20 * MIB,
      awaySeconds: 2,
      seconds: 4,
      heapBytes: 0,
    },
    payload: (partition, position, into) => {
      for (let i = 0; i < into.length; i++) into[i] = byteAt(partition, position + i);
    },
    deliver: (name, partition, position, bytes) => {
      const key = `${name} ${partition}`;
      if (position !== (ends.get(key) ?? 0)) wrong++;
      bytes.forEach((byte, i) => {
        if (byte !== byteAt(partition, position + i)) wrong++;
      });
      ends.set(key, position + bytes.length);
    },
  });
  expect(wrong).toBe(0);
  expect(report.segments).toBeGreaterThan(10);
  const total = (name: string): number => (ends.get(`${name} 0`) ?? 0) + (ends.get(`${name} 1`) ?? 0);
  expect(total('tail')).toBe(report.producedBytes);
  expect(total('lagging')).toBe(consumer(report, 'lagging').bytes);
  expect(consumer(report, 'lagging').diskReads).toBeGreaterThan(0);
  expect(report.producedBytes - total('lagging')).toBeLessThan(2 * MIB);
  expect(checkInvariants(machine.kernel)).toEqual([]);
});

test('are a closed segment and an index that is full followed by a new segment?', () => {
  expect(small(256 * MIB).segments).toBe(4);
  // 4096 bytes are 512 entries of the offset index, yet only 341 of the time index; every second batch of 4 KiB has one.
  const short = small(256 * MIB, { indexMaxBytes: 4096, batchBytes: 4096, seconds: 1 });
  expect(short.segments).toBe(Math.ceil(short.producedBytes / (2 * 341 * 4096)));
});

test('is a run the same each time?', () => {
  expect(small(48 * MIB)).toEqual(small(48 * MIB));
});

test('are settings that no broker can have refused by name, and a heap that does not fit by the machine?', () => {
  expect(kafkaSettings()).toEqual(KAFKA_DEFAULTS);
  expect(() => kafkaSettings({ partitions: 0 })).toThrow('partitions is 0; a positive number is needed');
  expect(() => kafkaSettings({ partitions: 1.5 })).toThrow('partitions is 1.5; a whole number is needed');
  expect(() => kafkaSettings({ heapBytes: -1 })).toThrow('heapBytes is -1; a number from 0 on is needed');
  expect(() => small(8 * MIB, { heapBytes: 16 * MIB })).toThrow(ServiceError);
  expect(() => kafkaSettings({ segmentBytes: 100 })).toThrow(
    'batchBytes is 16384, too much for a segment of 100 bytes',
  );
});
