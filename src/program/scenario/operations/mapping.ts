/** mmap, munmap, mremap, mprotect and brk. */
import { PAGE_SIZE, pagesFor } from '../../../hardware/units.ts';
import { EBADF, ENOMEM, errnoName, isError } from '../../../kernel/errno.ts';
import { MAP_ANONYMOUS, MAP_DROPPABLE, MAP_HUGETLB, MAP_PRIVATE, MAP_SHARED } from '../../../kernel/uapi.ts';
import type { AddressExpression } from '../address-expression.ts';
import type { Answer } from '../answer.ts';
import { MREMAP_FLAGS, mapFlags, protection } from '../flag-names.ts';
import { processOperation } from '../operation.ts';
import type { ScenarioProcess } from '../scenario-process.ts';
import { hex } from '../size.ts';
import type { Words } from '../words.ts';

const HUGE_PAGE = 2 ** 21;

/** An address operand and how many bytes from there, when the line says so. */
export interface Range {
  readonly at: AddressExpression;
  readonly length: number | undefined;
}

/** Reads the range that the first operand and `len=` name. */
export const readRange = (words: Words): Range => ({
  at: words.address(words.operand(0)),
  length: words.size('len'),
});

/** Where a range lies in a process; without `len=` it reaches to the end of its region. */
export function placeOf(process: ScenarioProcess, range: Range): { address: number; length: number } {
  const { address, length } = process.resolve(range.at);
  return { address, length: range.length ?? length };
}

const roundUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;

/** Says where a new mapping lies: by the names known so far, and by its distance from the top. */
function putPlace(process: ScenarioProcess, answer: Answer, address: number): void {
  answer.at = process.symbol(address);
  const { top } = process.regions;
  if (address < top && top - address < 2 ** 46) answer.addr = `top-${hex(top - address)}`;
  if (address % HUGE_PAGE === 0) answer.align = '2M';
}

export const mmap = processOperation(
  'mmap R [len=] [prot=] [flags=] [at=] [fd=] [off=] [nofd=]',
  (words) => {
    const at = words.option('at');
    const fd = words.option('fd');
    let flags = mapFlags(words);
    if (fd === undefined && words.option('nofd') === undefined) flags |= MAP_ANONYMOUS;
    if ((flags & (MAP_PRIVATE | MAP_SHARED | MAP_DROPPABLE)) === 0) flags |= MAP_PRIVATE;
    return {
      name: words.operand(0),
      at: at === undefined ? undefined : words.address(at),
      length: words.size('len') ?? PAGE_SIZE,
      prot: protection(words),
      flags,
      fd,
      offset: words.size('off') ?? 0,
    };
  },
  (process, { name, at, length, prot, flags, fd, offset }, answer, scene) => {
    const hint = at === undefined ? 0 : process.resolve(at).address;
    const file = flags & MAP_ANONYMOUS || fd === undefined ? undefined : process.file(fd);
    let address = -EBADF;
    const ok = process.perform(
      answer,
      () => {
        // ksys_mmap_pgoff looks the descriptor up before anything else.
        if (flags & MAP_ANONYMOUS || file !== undefined) {
          address = scene.kernel.addressSpaces.mmap(process.task, hint, length, prot, flags, file, offset);
        }
        return address;
      },
      true,
    );
    if (!ok) return;
    putPlace(process, answer, address);
    process.regions.set(name, address, roundUp(length, flags & MAP_HUGETLB ? HUGE_PAGE : PAGE_SIZE));
  },
);

export const munmap = processOperation('munmap A [len=]', readRange, (process, range, answer, { kernel }) => {
  const { address, length } = placeOf(process, range);
  process.perform(answer, () => kernel.addressSpaces.munmap(process.task, address, length));
});

export const mremap = processOperation(
  'mremap A new= [old=] [flags=] [to=] [name=]',
  (words) => {
    const to = words.option('to');
    const from = words.operand(0);
    return {
      at: words.address(from),
      oldLength: words.size('old'),
      newLength: words.size('new') ?? 0,
      flags: words.bits(words.option('flags'), MREMAP_FLAGS, 'mremap flag'),
      to: to === undefined ? undefined : words.address(to),
      name: words.option('name') ?? (from.split(/[+-]/)[0] as string),
    };
  },
  (process, { at, oldLength, newLength, flags, to, name }, answer, { kernel }) => {
    const { address, length } = process.resolve(at);
    const target = to === undefined ? 0 : process.resolve(to).address;
    let moved = 0;
    const ok = process.perform(
      answer,
      () => {
        moved = kernel.addressSpaces.mremap(process.task, address, oldLength ?? length, newLength, flags, target);
        return moved;
      },
      true,
    );
    if (!ok) return;
    answer.at = process.symbol(moved);
    process.regions.set(name, moved, pagesFor(newLength) * PAGE_SIZE);
  },
);

export const mprotect = processOperation(
  'mprotect A prot= [len=]',
  (words) => ({ range: readRange(words), prot: protection(words) }),
  (process, { range, prot }, answer, { kernel }) => {
    const { address, length } = placeOf(process, range);
    process.perform(answer, () => kernel.addressSpaces.mprotect(process.task, address, length, prot));
  },
);

export const brk = processOperation(
  'brk [DELTA] [to=]',
  (words) => {
    const to = words.size('to');
    const delta = words.optional(0);
    if (to === undefined && delta === undefined) words.fail('brk needs a DELTA or to=OFFSET');
    return { to, delta: delta === undefined ? 0 : words.number(delta) };
  },
  (process, { to, delta }, answer, { kernel }) => {
    const wanted = to === undefined ? process.task.mm.brk + delta : process.startBrk + to;
    let reached = 0;
    process.perform(answer, () => {
      reached = kernel.addressSpaces.brk(process.task, wanted);
      return reached - process.startBrk;
    });
    // brk(2) does not fail: it answers the break that it left in place.
    if (reached !== wanted) {
      answer.wanted = wanted - process.startBrk;
      answer.errno = errnoName(ENOMEM);
    }
  },
);

export const mmaploop = processOperation(
  'mmaploop [len=] [n=] [prot=] [altprot=] [flags=]',
  (words) => ({
    length: words.size('len') ?? PAGE_SIZE,
    times: words.size('n') ?? 1,
    prot: protection(words),
    alternate: words.option('altprot') === undefined ? undefined : protection(words, 'altprot'),
    flags: mapFlags(words),
  }),
  (process, { length, times, prot, alternate, flags }, answer, { kernel }) => {
    let count = 0;
    let last = 0;
    process.perform(answer, () => {
      let result = 0;
      for (let i = 0; i < times; i++) {
        const use = i % 2 === 1 && alternate ? alternate : prot;
        result = kernel.addressSpaces.mmap(process.task, 0, length, use, flags, undefined, 0);
        if (isError(result)) break;
        last = result;
        count++;
      }
      return result;
    });
    answer.count = count;
    if (count > 0) process.regions.set('last', last, length);
  },
);

export const munmaploop = processOperation(
  'munmaploop A [len=] [n=] [step=]',
  (words) => ({
    at: words.address(words.operand(0)),
    length: words.size('len') ?? PAGE_SIZE,
    times: words.size('n') ?? 1,
    step: words.size('step') ?? 2 * PAGE_SIZE,
  }),
  (process, { at, length, times, step }, answer, { kernel }) => {
    const { address } = process.resolve(at);
    let count = 0;
    process.perform(answer, () => {
      let result = 0;
      for (let i = 0; i < times; i++) {
        result = kernel.addressSpaces.munmap(process.task, address + i * step, length);
        if (isError(result)) break;
        count++;
      }
      return result;
    });
    answer.count = count;
  },
);
