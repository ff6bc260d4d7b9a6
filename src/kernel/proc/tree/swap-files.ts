/** What swap shows of itself in /sys: the compressed disks (Documentation/admin-guide/blockdev/zram.rst) and its readahead. */
import { EINVAL } from '../../errno.ts';
import { EMPTY_IO_STAT, EMPTY_MM_STAT, type Zram } from '../../swap/zram.ts';
import { readOnly, type SystemFile, type TreeSource } from './system-file.ts';

const PAGE = 4096;
/** Compressed disks that the machine has, in use or not. */
const DISKS = 4;
const TRUE = new Set(['1', 'true', 'y', 'Y']);
const FALSE = new Set(['0', 'false', 'n', 'N']);

export function swapFiles(source: TreeSource): [path: string, file: SystemFile][] {
  const { swap, params } = source;
  const files: [string, SystemFile][] = [];
  for (let n = 0; n < DISKS; n++) {
    const folder = `/sys/block/zram${n}/`;
    const area = () => swap.areas.find(({ path, zram }) => path === `/dev/zram${n}` && zram !== undefined);
    const ofZram = (read: (zram: Zram) => string, empty: string) =>
      readOnly(() => {
        const zram = area()?.zram;
        return zram === undefined ? empty : read(zram);
      });
    files.push(
      [`${folder}disksize`, readOnly(() => `${(area()?.slots ?? 0) * PAGE}\n`)],
      [`${folder}mm_stat`, ofZram((zram) => zram.mmStat, EMPTY_MM_STAT)],
      [`${folder}io_stat`, ofZram((zram) => zram.ioStat, EMPTY_IO_STAT)],
    );
  }
  files.push([
    '/sys/kernel/mm/swap/vma_ra_enabled',
    {
      read: () => `${params.vmaReadahead === 1}\n`,
      write: (text) => {
        const word = text.trim();
        if (!TRUE.has(word) && !FALSE.has(word)) return -EINVAL;
        params.vmaReadahead = TRUE.has(word) ? 1 : 0;
        return 0;
      },
    },
  ]);
  return files;
}
