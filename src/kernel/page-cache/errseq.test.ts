import { expect, test } from 'vitest';
import { EIO, ENOSPC } from '../errno.ts';
import { errseqCheckAndAdvance, errseqSample, errseqSet } from './errseq.ts';

test('does everybody who listens hear of an error once?', () => {
  const holder = { writeError: 0 };
  let [first, second] = [errseqSample(holder), errseqSample(holder)];
  errseqSet(holder, EIO);
  let error: number;
  [error, first] = errseqCheckAndAdvance(holder, first);
  expect(error).toBe(-EIO);
  [error, first] = errseqCheckAndAdvance(holder, first);
  expect(error).toBe(0);
  [error, second] = errseqCheckAndAdvance(holder, second);
  expect(error).toBe(-EIO);
  expect(errseqCheckAndAdvance(holder, second)[0]).toBe(0);
});

test('does one who comes later hear of an error only if nobody has seen it?', () => {
  const holder = { writeError: 0 };
  errseqSet(holder, EIO);
  expect(errseqCheckAndAdvance(holder, errseqSample(holder))[0]).toBe(-EIO);
  expect(errseqCheckAndAdvance(holder, errseqSample(holder))[0]).toBe(0);
});

test('is the same error told again when it happens again, and only the last of two?', () => {
  const holder = { writeError: 0 };
  errseqSet(holder, EIO);
  let [error, since] = errseqCheckAndAdvance(holder, 0);
  errseqSet(holder, EIO);
  [error, since] = errseqCheckAndAdvance(holder, since);
  expect(error).toBe(-EIO);
  errseqSet(holder, EIO);
  errseqSet(holder, ENOSPC);
  [error, since] = errseqCheckAndAdvance(holder, since);
  expect(error).toBe(-ENOSPC);
  expect(errseqCheckAndAdvance(holder, since)[0]).toBe(0);
});
