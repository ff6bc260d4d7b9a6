/** How a program is told to use huge pages: by its own switches where it has some. */

/** Programs with switches of their own; every other takes glibc's, or its source is changed. */
export type ProgramKind = 'java' | 'postgres' | 'other';

const MIB = 2 ** 20;
const HUGE_BYTES = 2 * MIB;
/** The JVM's code cache, which large pages back as well (ReservedCodeCacheSize). */
const CODE_CACHE_BYTES = 240 * MIB;

const UNITS: Readonly<Record<string, number>> = { k: 1024, m: MIB, g: 1024 * MIB, t: 1024 * 1024 * MIB };

export function kindOf(command: readonly string[]): ProgramKind {
  const name = (command[0] ?? '').replace(/^.*\//, '');
  if (/^java\d*$/.test(name)) return 'java';
  return /^(postgres|postmaster)$/.test(name) ? 'postgres' : 'other';
}

/** The largest heap that a JVM's command line allows (-Xmx), in bytes; undefined when it does not say. */
export function javaHeap(command: readonly string[]): number | undefined {
  const text = command.findLast((word) => /^-Xmx\d/.test(word));
  const [, number, unit = ''] = /^-Xmx(\d+)([kKmMgGtT]?)$/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit.toLowerCase()] ?? 1);
}

/** How many pages of 2 MiB the pool must have, for what the replay took from it and for what the program reserves by itself. */
export function poolPages(command: readonly string[], poolBytes: number): number {
  const heap = kindOf(command) === 'java' ? javaHeap(command) : undefined;
  const bytes = heap === undefined ? poolBytes : Math.max(poolBytes, heap + CODE_CACHE_BYTES);
  return Math.ceil(bytes / HUGE_BYTES);
}

/** What to set for transparent huge pages, most specific first. */
export function thpSettings(kind: ProgramKind): string[] {
  if (kind === 'java') return ['-XX:+UseTransparentHugePages', THP_MADVISE];
  return [
    'madvise(address, length, MADV_HUGEPAGE) on the mappings named above, aligned to 2 MiB',
    'or, for what malloc gets, without a change of the program: GLIBC_TUNABLES=glibc.malloc.hugetlb=1 (glibc 2.35 and later)',
    THP_MADVISE,
  ];
}

const THP_MADVISE =
  'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled   (the usual default; "always" needs no madvise)';

/** What to set for huge pages of the pool. */
export function hugetlbSettings(kind: ProgramKind, pages: number): string[] {
  const pool = `echo ${pages} > /proc/sys/vm/nr_hugepages   (at boot, or before memory is fragmented; vm.nr_hugepages = ${pages} in sysctl.conf)`;
  if (kind === 'java') return [pool, '-XX:+UseLargePages'];
  if (kind === 'postgres')
    return [
      pool,
      'huge_pages = on',
      'postgres -C shared_memory_size_in_huge_pages tells the count for a configuration',
    ];
  return [
    pool,
    'mmap with MAP_HUGETLB, or for what malloc gets GLIBC_TUNABLES=glibc.malloc.hugetlb=2 (glibc 2.35 and later)',
  ];
}
