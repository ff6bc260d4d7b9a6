import type { Hugetlb } from './hugetlb.ts';

/** The sysctls of the pool of the default size. Setting one is an act: the pool grows or shrinks. */
export const HUGETLB_SYSCTLS: readonly string[] = ['vm.nr_hugepages', 'vm.nr_overcommit_hugepages'];

/** What /proc/sys/vm says of the pool of the default size (hugetlb_sysctl_handler); undefined for other names. */
export function getHugetlbSysctl({ default: pool }: Hugetlb, name: string): number | undefined {
  if (name === 'vm.nr_hugepages') return pool.max;
  return name === 'vm.nr_overcommit_hugepages' ? pool.overcommit : undefined;
}

/** Sets one of them: the pool grows as far as memory can be had, without an error when it cannot. */
export function setHugetlbSysctl(hugetlb: Hugetlb, name: string, value: number): 'set' | 'unknown' | 'invalid' {
  if (getHugetlbSysctl(hugetlb, name) === undefined) return 'unknown';
  if (!Number.isInteger(value) || value < 0) return 'invalid';
  if (name === 'vm.nr_hugepages') hugetlb.default.resize(value);
  else hugetlb.default.overcommit = value;
  return 'set';
}
