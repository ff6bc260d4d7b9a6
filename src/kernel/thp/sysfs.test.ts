import { describe, expect, test } from 'vitest';
import { EINVAL } from '../errno.ts';
import { defaultThpSettings, orderAllowed, PMD_ORDER } from './settings.ts';
import { readThpSetting, writeThpSetting } from './sysfs.ts';

describe('/sys/kernel/mm/transparent_hugepage', () => {
  // As a machine of 24 GiB with Linux 6.18 printed them.
  test.each([
    ['enabled', 'always [madvise] never'],
    ['defrag', 'always defer defer+madvise [madvise] never'],
    ['use_zero_page', '1'],
    ['hpage_pmd_size', '2097152'],
    ['shmem_enabled', 'always within_size advise [never] deny force'],
    ['hugepages-64kB/enabled', 'always inherit madvise [never]'],
    ['hugepages-2048kB/enabled', 'always [inherit] madvise never'],
    ['khugepaged/max_ptes_none', '511'],
    ['khugepaged/max_ptes_swap', '64'],
    ['khugepaged/max_ptes_shared', '256'],
    ['khugepaged/pages_to_scan', '4096'],
    ['khugepaged/scan_sleep_millisecs', '10000'],
    ['khugepaged/alloc_sleep_millisecs', '60000'],
  ])('does %s say what a freshly booted kernel says?', (name, text) => {
    expect(readThpSetting(defaultThpSettings('madvise'), name)).toBe(text);
  });

  test.each([
    ['enabled', 'sometimes', -EINVAL],
    ['enabled', 'never\n', 0],
    ['defrag', 'defer+madvise', 0],
    ['use_zero_page', '2', -EINVAL],
    ['khugepaged/max_ptes_none', '511', 0],
    ['khugepaged/max_ptes_none', '512', -EINVAL],
    ['khugepaged/pages_to_scan', '0', -EINVAL],
    ['khugepaged/pages_to_scan', '1e3', -EINVAL],
    ['hugepages-8kB/enabled', 'always', undefined],
    ['hpage_pmd_size', '4096', undefined],
    ['nothing', '1', undefined],
  ])('does writing %s=%s answer %s?', (name, text, answer) => {
    const settings = defaultThpSettings('madvise');
    expect(writeThpSetting(settings, name, text)).toBe(answer);
    const unchanged = answer !== 0;
    if (unchanged) expect(settings).toEqual(defaultThpSettings('madvise'));
  });

  test('does a size that inherits follow the switch for all, and one of its own not?', () => {
    const settings = defaultThpSettings('madvise');
    const allowed = (order: number): boolean[] =>
      [false, true].map((advised) => orderAllowed(settings, order, advised));
    expect(allowed(PMD_ORDER)).toEqual([false, true]);
    expect(allowed(4)).toEqual([false, false]);
    writeThpSetting(settings, 'enabled', 'always');
    writeThpSetting(settings, 'hugepages-64kB/enabled', 'madvise');
    expect(allowed(PMD_ORDER)).toEqual([true, true]);
    expect(allowed(4)).toEqual([false, true]);
    writeThpSetting(settings, 'enabled', 'never');
    expect(allowed(PMD_ORDER)).toEqual([false, false]);
    expect(allowed(4)).toEqual([false, true]);
  });
});
