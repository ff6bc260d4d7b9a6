/** madvise, msync, mincore and the locking of memory. */
import { PAGE_SIZE, pagesFor } from '../../../hardware/units.ts';
import { MS_SYNC } from '../../../kernel/uapi.ts';
import { ADVICE, MLOCKALL_FLAGS, MSYNC_FLAGS } from '../flag-names.ts';
import { processOperation } from '../operation.ts';
import { runs } from '../runs.ts';
import { parseSize } from '../size.ts';
import { placeOf, readRange } from './mapping.ts';

/** mincore answers no more pages than this: the length of the oracle's result buffer. */
const MINCORE_PAGES = 65536;

export const madvise = processOperation(
  'madvise A ADVICE [len=]',
  (words) => {
    const text = words.operand(1);
    return { range: readRange(words), advice: parseSize(text) ?? words.choice(text, ADVICE, 'advice') };
  },
  (process, { range, advice }, answer, { kernel }) => {
    const { address, length } = placeOf(process, range);
    process.perform(answer, () => kernel.addressSpaces.madvise(process.task, address, length, advice));
  },
);

export const msync = processOperation(
  'msync A [flags=] [len=]',
  (words) => ({
    range: readRange(words),
    flags: words.option('flags') === undefined ? MS_SYNC : words.bits(words.option('flags'), MSYNC_FLAGS, 'msync flag'),
  }),
  (process, { range, flags }, answer, { kernel }) => {
    const { address, length } = placeOf(process, range);
    process.perform(answer, () => kernel.addressSpaces.msync(process.task, address, length, flags));
  },
);

export const mlock = processOperation('mlock A [len=]', readRange, (process, range, answer, { kernel }) => {
  const { address, length } = placeOf(process, range);
  process.perform(answer, () => kernel.addressSpaces.mlock(process.task, address, length));
});

export const munlock = processOperation('munlock A [len=]', readRange, (process, range, answer, { kernel }) => {
  const { address, length } = placeOf(process, range);
  process.perform(answer, () => kernel.addressSpaces.munlock(process.task, address, length));
});

export const mlock2 = processOperation(
  'mlock2 A [onfault] [len=]',
  (words) => ({ range: readRange(words), flags: words.has('onfault') ? 1 : 0 }),
  (process, { range, flags }, answer, { kernel }) => {
    const { address, length } = placeOf(process, range);
    process.perform(answer, () => kernel.addressSpaces.mlock2(process.task, address, length, flags));
  },
);

export const mlockall = processOperation(
  'mlockall [FLAGS...]',
  (words) => words.bits(words.operandsFrom(0).join(','), MLOCKALL_FLAGS, 'mlockall flag'),
  (process, flags, answer, { kernel }) => {
    process.perform(answer, () => kernel.addressSpaces.mlockall(process.task, flags));
  },
);

export const munlockall = processOperation(
  'munlockall',
  () => undefined,
  (process, _none, answer, { kernel }) => {
    process.perform(answer, () => kernel.addressSpaces.munlockall(process.task));
  },
);

export const mincore = processOperation('mincore A [len=]', readRange, (process, range, answer, { kernel }) => {
  const { address, length } = placeOf(process, range);
  const bytes = Math.min(length, MINCORE_PAGES * PAGE_SIZE);
  const residency = new Uint8Array(Math.max(0, pagesFor(bytes)));
  const ok = process.perform(answer, () => kernel.addressSpaces.mincore(process.task, address, bytes, residency));
  if (ok) answer.mincore = runs([...residency].map((page) => (page & 1 ? '1' : '.')).join(''));
});
