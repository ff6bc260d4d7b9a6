/** /sys/kernel/mm/lru_gen and /sys/kernel/debug/lru_gen. */
import { EINVAL } from '../../errno.ts';
import { enabledText, lruGenText, parseEnabled } from '../../mglru/lru-gen-files.ts';
import { readOnly, type SystemFile, type TreeSource } from './system-file.ts';

export const lruGenFiles = (source: TreeSource): [path: string, file: SystemFile][] => [
  [
    '/sys/kernel/mm/lru_gen/enabled',
    {
      read: () => enabledText(source.params.lruGen),
      write(text) {
        const bits = parseEnabled(text);
        if (bits === undefined) return -EINVAL;
        source.setLruGen(bits);
        return 0;
      },
    },
  ],
  ['/sys/kernel/debug/lru_gen', readOnly(() => lruGenText(source.lru, source.cgroups.all))],
];
