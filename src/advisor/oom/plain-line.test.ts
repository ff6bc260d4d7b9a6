import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unescapeLine } from './escapes.ts';
import { kindOfText } from './line-kinds.ts';
import { beginsWithPrefix, isPlainLine } from './plain-line.ts';
import { EXPECTED, fixture } from './testing/reports.ts';
import { unwrap } from './unwrap.ts';
import { WordSearch } from './word-search.ts';

const PREFIXES = [
  'Nov 22 19:35:01 web-3 kernel: ',
  '[ 4242.000001] ',
  '2026-11-22T19:35:01.123456+00:00 web-3 kernel: ',
];
const bytesOf = (line: string): Uint8Array => new TextEncoder().encode(line);
const whole = (check: typeof isPlainLine, line: string): boolean => {
  const bytes = bytesOf(line);
  return check(bytes, 0, bytes.length);
};

const LINES = EXPECTED.flatMap(({ id }) => fixture(id).split(/\r?\n/));

test('is no line of a real report taken for a plain one, wherever it is cut?', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PREFIXES), fc.constantFrom(...LINES), fc.nat(), (prefix, line, cut) => {
      for (const text of [line, line.slice(0, cut % (line.length + 1))]) {
        const logged = prefix + text;
        if (!whole(isPlainLine, logged)) continue;
        const bare = unescapeLine(logged).flatMap(unwrap);
        expect(bare.every(({ prefixed }) => prefixed)).toBe(true);
        expect(bare.map(({ text: each }) => kindOfText(each)).filter((kind) => kind !== undefined)).toEqual([]);
      }
    }),
    { numRuns: 3000 },
  );
});

test('is what begins with a usual prefix the beginning of a line to the reader too?', () => {
  for (const prefix of PREFIXES) {
    const line = `${prefix}eth0: renamed from veth81f2a3c`;
    expect(whole(beginsWithPrefix, line)).toBe(true);
    expect(unwrap(line)[0]?.prefixed).toBe(true);
    expect(whole(isPlainLine, line)).toBe(true);
  }
  for (const line of [
    'eth0: renamed from veth81f2a3c',
    '> Nov 22 19:35:01 web-3 kernel: eth0',
    '{"MESSAGE":"x"}  {}  {} {}',
  ])
    expect(whole(beginsWithPrefix, line)).toBe(false);
});

test('does the search find what a search for one word after another finds?', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 60 }).map((all) => all.join(''));
  const words = fc.array(fc.stringMatching(/^[abc]{2,5}$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(letters, words, fc.nat(20), (text, list, from) => {
      const places = list.map((word) => text.indexOf(word, from)).filter((at) => at >= 0);
      expect(new WordSearch(list).next(bytesOf(text), from)).toBe(Math.min(...places, text.length));
    }),
    { numRuns: 2000 },
  );
});
