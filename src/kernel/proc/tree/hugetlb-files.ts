/** /sys/kernel/mm/hugepages and the pool's sysctls (mm/hugetlb_sysfs.c, mm/hugetlb_sysctl.c). */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { EINVAL } from '../../errno.ts';
import type { Hstate } from '../../hugetlb/hstate.ts';
import { getHugetlbSysctl } from '../../hugetlb/sysctls.ts';
import { readOnly, type SystemFile, type TreeSource, wholeNumber } from './system-file.ts';

/** A number that can be set; the setter answers 0 or a negated errno. */
const settable = (read: () => number, set: (value: number) => number): SystemFile => ({
  read: () => `${read()}\n`,
  write(text) {
    const value = wholeNumber(text);
    return value === undefined || value < 0 ? -EINVAL : set(value);
  },
});

function poolFiles(pool: Hstate): [name: string, file: SystemFile][] {
  return [
    [
      'nr_hugepages',
      settable(
        () => pool.total,
        (count) => {
          pool.resize(count);
          return 0;
        },
      ),
    ],
    [
      'nr_overcommit_hugepages',
      settable(
        () => pool.overcommit,
        (count) => {
          // Pages that large cannot be made on demand (nr_overcommit_hugepages_store).
          if (pool.isGigantic) return -EINVAL;
          pool.overcommit = count;
          return 0;
        },
      ),
    ],
    ['free_hugepages', readOnly(() => `${pool.free.length}\n`)],
    ['resv_hugepages', readOnly(() => `${pool.reserved}\n`)],
    ['surplus_hugepages', readOnly(() => `${pool.surplus}\n`)],
  ];
}

export function hugetlbFiles(source: TreeSource): [path: string, file: SystemFile][] {
  const { hugetlb } = source;
  const sysctl = (name: string): [string, SystemFile] => [
    `/proc/sys/vm/${name}`,
    settable(
      () => getHugetlbSysctl(hugetlb, `vm.${name}`) ?? 0,
      (value) => (source.sysctl(`vm.${name}`, value) === 'set' ? 0 : -EINVAL),
    ),
  ];
  const pools = hugetlb.hstates.flatMap((pool) => {
    const directory = `/sys/kernel/mm/hugepages/hugepages-${(pool.pages * PAGE_SIZE) / 1024}kB`;
    return poolFiles(pool).map(([name, file]): [string, SystemFile] => [`${directory}/${name}`, file]);
  });
  return [...pools, sysctl('nr_hugepages'), sysctl('nr_overcommit_hugepages')];
}
