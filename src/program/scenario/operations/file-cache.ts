/** `cache`: what the page cache holds of each file, who maps it and who pays for it. Ours: the oracle does not have it. */
import { ENOENT, errnoName } from '../../../kernel/errno.ts';
import type { FileCache } from '../../../kernel/proc/file-cache.ts';
import type { Answer } from '../answer.ts';
import { machineOperation } from '../operation.ts';

/** One file as answers show it: sizes in pages, without those that are 0. */
function fileAnswer({ name, bytes, resident: _runs, pages: _all, mappers, payers, ...amounts }: FileCache): Answer {
  const entry: Answer = { file: name.slice(name.lastIndexOf('/') + 1), size: bytes, cached: amounts.cached };
  for (const [key, pages] of Object.entries(amounts)) if (pages > 0) entry[key] = pages;
  if (mappers.length > 0) entry.mappers = mappers.map(({ comm, pages }) => ({ process: comm, pages }));
  if (payers.length > 0) entry.payers = payers.map((payer) => ({ ...payer }));
  return entry;
}

export const cache = machineOperation(
  'cache [FILE]',
  (words) => words.optional(0),
  (scene, name, answer) => {
    scene.drain();
    const files = scene.fileCaches(name);
    if (name !== undefined && files.length === 0) answer.errno = errnoName(ENOENT);
    else answer.files = files.map(fileAnswer);
  },
);
