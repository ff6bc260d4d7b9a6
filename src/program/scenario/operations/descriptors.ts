/** Opening and closing of files, reading and writing, and what else a process does to a descriptor. */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { isError } from '../../../kernel/errno.ts';
import { MFD_HUGETLB, O_RDWR } from '../../../kernel/uapi.ts';
import { FILE_ADVICE, OPEN_FLAGS } from '../flag-names.ts';
import { processOperation } from '../operation.ts';
import type { ScenarioProcess } from '../scenario-process.ts';
import type { Scene } from '../scene.ts';
import type { Words } from '../words.ts';

/** FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE. */
const PUNCH = 3;

export const open = processOperation(
  'open F FILE [flags=]',
  (words) => {
    const text = words.option('flags');
    return {
      name: words.operand(0),
      file: words.operand(1),
      // O_RDONLY is 0: `r` takes read-write's bit away.
      flags: text === undefined ? O_RDWR : accessMode(words, text),
    };
  },
  (process, { name, file, flags }, answer, scene) => {
    let fd = -1;
    const ask = (): number => {
      fd = scene.kernel.files.open(process.task, scene.filePath(file), flags);
      return fd;
    };
    if (process.perform(answer, ask, true)) process.nameDescriptor(name, fd);
  },
);

function accessMode(words: Words, text: string): number {
  const bits = words.bits(text, OPEN_FLAGS, 'open flag');
  const names = text.split(/[,|]/);
  return names.includes('r') || names.includes('w') ? bits : bits | O_RDWR;
}

export const memfd = processOperation(
  'memfd F [size=] [hugetlb]',
  (words) => ({ name: words.operand(0), size: words.size('size') ?? 0, hugetlb: words.has('hugetlb') }),
  (process, { name, size, hugetlb }, answer, { kernel }) => {
    let fd = -1;
    const ask = (): number => {
      fd = kernel.files.memfdCreate(process.task, name, hugetlb ? MFD_HUGETLB : 0);
      if (!isError(fd) && size > 0) kernel.files.ftruncate(process.task, fd, size);
      return fd;
    };
    if (process.perform(answer, ask, true)) process.nameDescriptor(name, fd);
  },
);

/** An operation on a descriptor that is one system call. */
const onDescriptor = <Args>(
  usage: string,
  parse: (words: Words) => Args,
  call: (scene: Scene, process: ScenarioProcess, fd: number, args: Args) => number,
) =>
  processOperation(
    usage,
    (words) => ({ name: words.operand(0), args: parse(words) }),
    (process, { name, args }, answer, scene) => {
      process.perform(answer, () => call(scene, process, process.descriptor(name), args));
    },
  );

const nothing = (): undefined => undefined;

export const close = onDescriptor('close F', nothing, ({ kernel }, { task }, fd) => kernel.files.close(task, fd));

export const lseek = onDescriptor(
  'lseek F off=',
  (words) => words.size('off') ?? 0,
  ({ kernel }, { task }, fd, offset) => kernel.files.lseek(task, fd, offset),
);

export const ftruncate = onDescriptor(
  'ftruncate F size=',
  (words) => words.size('size') ?? 0,
  ({ kernel }, { task }, fd, size) => kernel.files.ftruncate(task, fd, size),
);

export const fallocate = onDescriptor(
  'fallocate F [off=] [len=] [punch]',
  (words) => ({
    mode: words.has('punch') ? PUNCH : 0,
    offset: words.size('off') ?? 0,
    length: words.size('len') ?? PAGE_SIZE,
  }),
  ({ kernel }, { task }, fd, { mode, offset, length }) => kernel.files.fallocate(task, fd, mode, offset, length),
);

export const fsync = onDescriptor('fsync F', nothing, ({ kernel }, { task }, fd) => kernel.files.fsync(task, fd));
export const syncfs = onDescriptor('syncfs F', nothing, ({ kernel }, { task }, fd) => kernel.files.syncfs(task, fd));

export const fadvise = onDescriptor(
  'fadvise F ADVICE [off=] [len=]',
  (words) => ({
    advice: words.choice(words.operand(1), FILE_ADVICE, 'file advice'),
    offset: words.size('off') ?? 0,
    length: words.size('len') ?? 0,
  }),
  ({ kernel }, { task }, fd, { advice, offset, length }) => kernel.files.fadvise(task, fd, offset, length, advice),
);

export const readahead = onDescriptor(
  'readahead F [off=] [len=]',
  (words) => ({ offset: words.size('off') ?? 0, length: words.size('len') ?? PAGE_SIZE }),
  ({ kernel }, { task }, fd, { offset, length }) => kernel.files.readahead(task, fd, offset, length),
);

export const cachestat = processOperation(
  'cachestat F [off=] [len=]',
  (words) => ({ name: words.operand(0), offset: words.size('off') ?? 0, length: words.size('len') ?? 0 }),
  (process, { name, offset, length }, answer, { kernel }) => {
    const counted = kernel.files.cachestat(process.task, process.descriptor(name), offset, length);
    process.perform(answer, () => (typeof counted === 'number' ? counted : 0));
    if (typeof counted === 'number') return;
    const { cache, dirty, writeback, evicted, recentlyEvicted } = counted;
    Object.assign(answer, { cache, dirty, writeback, evicted, recently_evicted: recentlyEvicted });
  },
);
