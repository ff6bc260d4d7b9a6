/** /sys/kernel/mm/transparent_hugepage: switches, counters, and khugepaged's pace. */
import { EACCES } from '../../errno.ts';
import { HugePages } from '../../thp/huge-pages.ts';
import type { SystemFile, TreeSource } from './system-file.ts';

const FOLDER = '/sys/kernel/mm/transparent_hugepage/';

export const thpFiles = (source: TreeSource): [path: string, file: SystemFile][] =>
  HugePages.fileNames.map((name) => [
    FOLDER + name,
    {
      read: () => `${source.thp.read(name) ?? ''}\n`,
      write: (text) => source.writeThp(name, text) ?? -EACCES,
    },
  ]);
