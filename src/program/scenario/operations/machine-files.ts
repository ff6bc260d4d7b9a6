/** Files of the machine, and what the page cache holds of them. */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { ENOENT, errnoName } from '../../../kernel/errno.ts';
import type { Inode } from '../../../kernel/page-cache/inode.ts';
import { filePagesOf } from '../../../kernel/proc/pagemap.ts';
import type { Answer } from '../answer.ts';
import { machineOperation } from '../operation.ts';
import { runs } from '../runs.ts';
import type { Scene } from '../scene.ts';
import type { Words } from '../words.ts';

const MOST_PAGES = 1 << 17;
const fileName = (words: Words): string => words.operand(0);

export const file = machineOperation(
  'file NAME [size=] [cached]',
  (words) => ({ name: words.operand(0), size: words.size('size') ?? PAGE_SIZE, cached: words.has('cached') }),
  (scene, { name, size, cached }) => {
    scene.files.create(name, size, cached);
  },
);

/** Ours: the oracle has no such operation, for its machine is the host. */
export const hostFile = machineOperation(
  'hostfile NAME PATH',
  (words) => ({ name: words.operand(0), path: words.operand(1), words }),
  (scene, { name, path, words }) => {
    const found = scene.openHostFile(path);
    scene.files.createFromHost(name, typeof found === 'string' ? words.fail(`cannot read ${path}: ${found}`) : found);
  },
);

export const evict = machineOperation('evict FILE', fileName, (scene, name, answer) => {
  const inode = scene.files.find(name);
  if (inode === undefined) {
    answer.cached = -1;
    return;
  }
  scene.files.evict(inode);
  answer.cached = scene.cachedPages(inode);
});

export const unlink = machineOperation('unlink FILE', fileName, (scene, name) => scene.files.unlink(name));

/** `cachestat`, `resident` and, `withFlags`, the state of each cached page. */
function putCached(scene: Scene, name: string, answer: Answer, withFlags: boolean): void {
  if (withFlags) scene.drain();
  const inode = scene.files.find(name);
  if (inode === undefined) {
    answer.errno = errnoName(ENOENT);
    return;
  }
  putPages(scene, inode, answer, withFlags);
  // The oracle opens and closes the file for this.
  scene.kernel.files.flushOnClose(inode);
}

function putPages(scene: Scene, inode: Inode, answer: Answer, withFlags: boolean): void {
  const { cache, dirty, writeback, evicted, recentlyEvicted } = scene.files.cachestat(inode);
  answer.cachestat = { cache, dirty, writeback, evicted, recently_evicted: recentlyEvicted };
  const pages = Math.min(Math.ceil(inode.size / PAGE_SIZE), MOST_PAGES);
  if (pages === 0) return;
  const strings = filePagesOf(scene.procSource.table, pages, (index) => scene.files.residentFrame(inode, index));
  answer.resident = runs(strings.resident);
  if (!withFlags) return;
  answer.lru = runs(strings.lru);
  answer.dirty = runs(strings.dirty);
  answer.folios = runs(strings.folios);
}

export const fincore = machineOperation('fincore FILE', fileName, (scene, name, answer) =>
  putCached(scene, name, answer, false),
);

export const fpages = machineOperation('fpages FILE', fileName, (scene, name, answer) =>
  putCached(scene, name, answer, true),
);
