/** `faultline service` as a user calls it; what the machine answers is tested beside the models. */
import { expect, test, vi } from 'vitest';
import { run } from './service.ts';

/** Runs in small: seconds and sizes that take no time. */
const KAFKA = ['kafka', '--memory', '32M', '--seconds', '4', '--away', '2', '--rate', '10M', '--used-heap', '4M'];
const ELASTICSEARCH = ['elasticsearch', '--memory', '32M', '--queries', '20', '--warm-up', '10', '--terms', '1000'];

function output(...args: string[]): string {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    expect(run(args)).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

test('does kafka print who was served from where, and memory over time?', () => {
  const text = output(...KAFKA, '--consumers', '2', '--disk', 'hdd');
  expect(text).toMatch(/^Kafka with 1 partition on 32.0 MiB of RAM and hdd, 4.0 s simulated\nproduced 40.0 MiB/);
  expect(text).toMatch(/\n {2}tail-1 +40.0 MiB +100.0 %/);
  expect(text).toMatch(/\n {2}lagging +\d/);
  expect(text.split('memory over time\n')[1]?.trim().split('\n').length).toBeGreaterThan(5);
});

test('are the keys of the JSON those that the handbook tells?', () => {
  const kafka = JSON.parse(output(...KAFKA, '--segment', '8M', '--json'));
  expect(Object.keys(kafka)).toEqual([
    'service',
    'memoryBytes',
    'disk',
    'settings',
    'simulatedSeconds',
    'producedBytes',
    'producedMessages',
    'segments',
    'append',
    'consumers',
    'writtenBackBytes',
    'samples',
  ]);
  expect([kafka.memoryBytes, kafka.segments]).toEqual([32 << 20, 5]);
  expect(kafka.consumers.map(({ name }: { name: string }) => name)).toEqual(['tail', 'lagging']);
  const { runs } = JSON.parse(output(...ELASTICSEARCH, '--json'));
  expect(runs.map(({ heapBytes }: { heapBytes: number }) => heapBytes / 2 ** 20)).toEqual([8, 16, 24]);
  expect(runs[0].settings.indexBytes).toBe(24 << 20);
});

test('does elasticsearch compare three heaps, or run the one that is given?', () => {
  expect(output(...ELASTICSEARCH)).toMatch(/heap, of RAM +25.0 % +50.0 % +75.0 %\n/);
  expect(output(...ELASTICSEARCH, '--heap', '40%', '--read-advice=random')).toMatch(/heap, of RAM +40.0 %\n/);
});

test.each([
  [[], 'service needs kafka or elasticsearch; see faultline service --help'],
  [['--json'], 'service needs kafka or elasticsearch'],
  [['kafak'], 'unknown service "kafak"; did you mean "kafka"?'],
  [['postgresql'], 'unknown service "postgresql"; there are kafka, elasticsearch'],
  [['kafka', 'fast'], 'service takes one name; "fast" is one too many'],
  [['kafka', '--rat', '5M'], 'unknown option "--rat"; did you mean "--rate"?'],
  [['kafka', '--heap', '50'], 'unknown option "--heap"'],
  [['kafka', '--rate', 'much'], '--rate much: expected a number, as in 8 or 64M'],
  [['kafka', '--rate', '0'], '--rate is 0; a positive number is needed'],
  [['kafka', '--partitions', '0'], '--partitions is 0; a positive number is needed'],
  [
    ['kafka', '--memory', '32M', '--used-heap', '64M'],
    'mmap fails with ENOMEM: the machine has too little memory for this service',
  ],
  [['elasticsearch', '--heap', '95'], '--heap 95: expected 1 to 90 percent of RAM, as in 50'],
  [['elasticsearch', '--read-advice', 'none'], '--read-advice none: expected normal or random'],
  [['elasticsearch', '--skew', '9'], '--skew is 9; from 0 to 4 is possible'],
])('does %j say what is wrong in one sentence?', (args, message) => {
  expect(() => run(args)).toThrow(message);
});
