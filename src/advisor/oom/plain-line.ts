/**
 * Tells lines of a log that can be no part of an OOM report from the others, by their bytes: most lines around a report are
 * such. A line is plain only when its beginning is one of the usual prefixes and no word, sign or number of a report, or
 * of a shipper's quoting, stands in it; whatever is not plain is read in full.
 */
import { WordSearch } from './word-search.ts';

/** Of each pattern of line-kinds.ts a part that it cannot do without, and what unescapeLine looks for. */
const WORDS = new WordSearch([
  'oom-',
  'oom_',
  '.oom',
  'Kill',
  'kill',
  'panic',
  'total_vm',
  'CPU: ',
  'Pid: ',
  'usage ',
  'cgroup stats',
  '_anon:',
  '_file:',
  'ictable:',
  'claimable:',
  'mapped:',
  'tables:',
  'free:',
  'free_cma:',
  'dirty:',
  'pages',
  'pagecache',
  'swap',
  'mems_',
  'MESSAGE=',
]);

/** Of bytes: those that a plain line has none of, and those behind which something may stand that it has none of. */
const FOREIGN = 1;
const LOOK_BEHIND = 2;
/** ESC, { and \ begin escapes; what is no ASCII may be a blank (U+00A0). */
const CLASSES: Uint8Array = new Uint8Array(256).fill(FOREIGN, 128);
for (const byte of [9, 27, 92, 123]) CLASSES[byte] = FOREIGN;
for (const byte of [34, 35, 42, 61, 93, 94]) CLASSES[byte] = LOOK_BEHIND;
/** Names of the fields in which shippers put a line, by their last letters (QUOTED_FIELD of escapes.ts). */
const FIELD_ENDS = ['age', 'msg', 'log', 'ext'];

const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const STAR = 42;
const DOT = 46;
const ZERO = 48;
const THREE = 51;
const COLON = 58;
const EQUALS = 61;
const OPEN = 91;
const CLOSE = 93;
const CARET = 94;
const RETURN = 13;

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 48 && byte <= 57;
const isSmall = (byte: number | undefined): boolean => byte !== undefined && byte >= 97 && byte <= 122;
const isCapital = (byte: number | undefined): boolean => byte !== undefined && byte >= 65 && byte <= 90;
const isName = (byte: number | undefined): boolean =>
  isDigit(byte) || isSmall(byte) || isCapital(byte) || byte === 95 || byte === DOT || byte === 45;

/** Whether the line of these bytes, its end left out, begins with a prefix and can be no line of a report. */
export function isPlainLine(bytes: Uint8Array, start: number, end: number): boolean {
  return beginsWithPrefix(bytes, start, end) && !hasHint(bytes, start, end) && !endsLikeStat(bytes, start, end);
}

/** `Nov 22 19:35:01 host `, `[  123.456789] ` or `2026-11-22T19:35:01`: prefixes that unwrap takes off. */
export function beginsWithPrefix(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 20) return false;
  if (bytes[start] === OPEN) return beginsWithUptime(bytes, start, end);
  return isCapital(bytes[start]) ? beginsLikeSyslog(bytes, start, end) : beginsWithDate(bytes, start);
}

function beginsWithUptime(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + 1;
  while (bytes[at] === SPACE) at++;
  const digits = at;
  while (isDigit(bytes[at])) at++;
  if (at === digits || bytes[at] !== DOT) return false;
  for (let i = 1; i <= 6; i++) if (!isDigit(bytes[at + i])) return false;
  return at + 8 < end && bytes[at + 7] === CLOSE && bytes[at + 8] === SPACE;
}

/** `\d\d:\d\d` at a place. */
const isClock = (bytes: Uint8Array, at: number): boolean =>
  isDigit(bytes[at]) &&
  isDigit(bytes[at + 1]) &&
  bytes[at + 2] === COLON &&
  isDigit(bytes[at + 3]) &&
  isDigit(bytes[at + 4]);

function beginsLikeSyslog(bytes: Uint8Array, start: number, end: number): boolean {
  if (!isSmall(bytes[start + 1]) || !isSmall(bytes[start + 2]) || bytes[start + 3] !== SPACE) return false;
  if (!isDigit(bytes[start + 5]) || (!isDigit(bytes[start + 4]) && bytes[start + 4] !== SPACE)) return false;
  if (bytes[start + 6] !== SPACE || !isClock(bytes, start + 7) || !isClock(bytes, start + 10)) return false;
  let at = start + 16;
  if (bytes[at - 1] !== SPACE || !isName(bytes[at])) return false;
  while (at < end && isName(bytes[at])) at++;
  return at < end && bytes[at] === SPACE;
}

function beginsWithDate(bytes: Uint8Array, start: number): boolean {
  for (const digit of [0, 1, 2, 3, 5, 6, 8, 9]) if (!isDigit(bytes[start + digit])) return false;
  if (bytes[start + 4] !== 45 || bytes[start + 7] !== 45) return false;
  const between = bytes[start + 10];
  return (between === 84 || between === SPACE) && isClock(bytes, start + 11);
}

/** A word or sign of a report, or of a shipper's quoting. */
function hasHint(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const kind = CLASSES[bytes[at] as number] as number;
    if (kind === FOREIGN || (kind === LOOK_BEHIND && isSign(bytes, start, at, end))) return true;
  }
  return WORDS.next(bytes, start, end) < end;
}

/** `] 1` as in a row of the task table, `*4kB` as in a free list, `msg="`, and the escapes `#0`, `=3` and `^[`. */
function isSign(bytes: Uint8Array, start: number, at: number, end: number): boolean {
  const next = bytes[at + 1];
  switch (bytes[at]) {
    case STAR:
      return isDigit(next);
    case HASH:
      return next === ZERO;
    case EQUALS:
      return next === THREE;
    case CARET:
      return next === OPEN;
    case CLOSE:
      return beginsWithNumber(bytes, at + 1, end);
    default:
      return isField(bytes, start, at);
  }
}

function beginsWithNumber(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end && bytes[at] === SPACE) at++;
  return at < end && isDigit(bytes[at]);
}

/** `msg="`, `"log": "` and their like. */
function isField(bytes: Uint8Array, start: number, quote: number): boolean {
  let at = quote - 1;
  while (at > start && bytes[at] === SPACE) at--;
  if (bytes[at] !== EQUALS && bytes[at] !== COLON) return false;
  do at--;
  while (at > start && (bytes[at] === SPACE || bytes[at] === QUOTE));
  const name = String.fromCharCode(...bytes.subarray(Math.max(start, at - 2), at + 1)).toLowerCase();
  return FIELD_ENDS.includes(name);
}

/** A line of memory.stat: a name and a number. */
function endsLikeStat(bytes: Uint8Array, start: number, end: number): boolean {
  let at = end - 1;
  while (at > start && (bytes[at] === SPACE || bytes[at] === RETURN)) at--;
  const last = at;
  while (at > start && isDigit(bytes[at])) at--;
  return at < last && bytes[at] === SPACE;
}
