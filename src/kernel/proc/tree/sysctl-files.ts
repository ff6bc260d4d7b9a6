/** /proc/sys: every sysctl as a file, and drop_caches, which is an act rather than a value. */
import { EINVAL } from '../../errno.ts';
import { getSysctl, sysctlNames } from '../../params.ts';
import { type SystemFile, type TreeSource, wholeNumber } from './system-file.ts';

/** `vm.swappiness` is /proc/sys/vm/swappiness. */
const pathOf = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

function sysctlFile(source: TreeSource, name: string): SystemFile {
  return {
    read: () => `${getSysctl(source.params, name)}\n`,
    write(text) {
      const value = wholeNumber(text);
      return value !== undefined && source.sysctl(name, value) === 'set' ? 0 : -EINVAL;
    },
  };
}

/** 1 drops clean pages of files, 2 what the slab can give back, 3 both (drop_caches_sysctl_handler in fs/drop_caches.c). Nobody can read it. */
function dropCaches({ files, slab }: TreeSource): SystemFile {
  return {
    write(text) {
      const what = wholeNumber(text);
      if (what === undefined || what < 1 || what > 4) return -EINVAL;
      if (what & 1) files.dropAll();
      if (what & 2) slab.drop();
      return 0;
    },
  };
}

/** 1 compacts all zones (sysctl_compaction_handler in mm/compaction.c). */
function compactMemory({ compaction }: TreeSource): SystemFile {
  return {
    write(text) {
      if (wholeNumber(text) !== 1) return -EINVAL;
      compaction.all();
      return 0;
    },
  };
}

export function sysctlFiles(source: TreeSource): [path: string, file: SystemFile][] {
  const values = sysctlNames.map((name): [string, SystemFile] => [pathOf(name), sysctlFile(source, name)]);
  return [
    ...values,
    ['/proc/sys/vm/drop_caches', dropCaches(source)],
    ['/proc/sys/vm/compact_memory', compactMemory(source)],
  ];
}
