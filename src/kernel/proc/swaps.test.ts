import { expect, test } from 'vitest';
import { swapsText } from './swaps.ts';

test('is /proc/swaps column by column what the real kernel printed?', () => {
  const areas = [
    { path: '/dev/zram3', device: { kind: 'partition' as const }, usable: 16383, used: 0, priority: 5 },
    { path: 'disk', device: { kind: 'file' as const }, usable: 16383, used: 64, priority: 10 },
  ];
  expect(swapsText(areas)).toBe(
    'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n' +
      '/dev/zram3                              partition\t65532\t\t0\t\t5\n' +
      'disk                                    file\t\t65532\t\t256\t\t10\n',
  );
});

test('does a long name stand one blank before its type, and a large size one tab before the next?', () => {
  const area = { path: '/'.repeat(45), device: { kind: 'file' as const }, usable: 3e6, used: 1, priority: -2 };
  expect(swapsText([area]).split('\n')[1]).toBe(`${'/'.repeat(45)} file\t\t12000000\t4\t\t-2`);
});
