import { ByteSink, ByteSource, SnapshotError } from './snapshot-bytes.ts';
import { isColumn, readColumn, writeColumn } from './snapshot-columns.ts';

export { SnapshotError } from './snapshot-bytes.ts';

/** The first bytes of a snapshot, and the version of what follows. */
const MAGIC = 'FLSNAP';
const VERSION = 1;

/** What a value is; the first byte of each. */
const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NATURAL = 4;
const NEGATIVE = 5;
const FLOAT = 6;
const STRING = 7;
const ARRAY = 8;
const OBJECT = 9;
const MAP = 10;
const SET = 11;
const COLUMN = 12;

/**
 * A machine's state as bytes, in a browser too.
 *
 * The state is a tree of plain data: undefined, null, booleans, numbers of every kind (NaN, -0 and infinities come back
 * as they were), strings, arrays without holes, plain objects, Maps, Sets and typed arrays. Equal states give equal
 * bytes: the keys of objects are written in their sort order, Maps and Sets in the order in which they were filled,
 * because that order is what a program sees of them.
 *
 * @throws TypeError that names the place of a value that is none of these (a function, a class instance, a bigint)
 */
export function encodeSnapshot(state: unknown): Uint8Array {
  const sink = new ByteSink();
  for (const letter of MAGIC) sink.byte(letter.charCodeAt(0));
  sink.byte(VERSION);
  write(sink, state, 'state');
  return sink.finish();
}

/**
 * The state that `encodeSnapshot` wrote. Its caller knows the type.
 * @throws SnapshotError when the bytes are no snapshot, of another version, cut off or broken
 */
export function decodeSnapshot(bytes: Uint8Array): unknown {
  const source = new ByteSource(bytes);
  for (const letter of MAGIC)
    if (source.left === 0 || source.byte() !== letter.charCodeAt(0)) throw new SnapshotError('this is not a snapshot');
  const version = source.byte();
  if (version !== VERSION)
    throw new SnapshotError(`snapshot version ${version}; this program reads version ${VERSION}`);
  const state = read(source);
  if (source.left > 0) source.fail('there is more behind the end');
  return state;
}

function write(sink: ByteSink, value: unknown, path: string): void {
  if (value === undefined) sink.byte(UNDEFINED);
  else if (value === null) sink.byte(NULL);
  else if (typeof value === 'boolean') sink.byte(value ? TRUE : FALSE);
  else if (typeof value === 'number') writeNumber(sink, value);
  else if (typeof value === 'string') {
    sink.byte(STRING);
    sink.string(value);
  } else if (isColumn(value)) {
    sink.byte(COLUMN);
    writeColumn(sink, value);
  } else if (Array.isArray(value)) {
    sink.byte(ARRAY);
    sink.count(value.length);
    value.forEach((element, i) => {
      write(sink, element, `${path}[${i}]`);
    });
  } else if (value instanceof Map) {
    sink.byte(MAP);
    sink.count(value.size);
    for (const [key, element] of value) {
      write(sink, key, `a key of ${path}`);
      write(sink, element, `${path}.get(${String(key)})`);
    }
  } else if (value instanceof Set) {
    sink.byte(SET);
    sink.count(value.size);
    for (const element of value) write(sink, element, `an element of ${path}`);
  } else writeObject(sink, value, path);
}

/** Small integers in as few bytes as they need, everything else as a double. */
function writeNumber(sink: ByteSink, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    sink.byte(FLOAT);
    sink.float(value);
  } else {
    sink.byte(value < 0 ? NEGATIVE : NATURAL);
    sink.count(Math.abs(value));
  }
}

function writeObject(sink: ByteSink, value: unknown, path: string): void {
  const prototype = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`encodeSnapshot: ${path} is not plain data (${Object.prototype.toString.call(value)})`);
  const object = value as Record<string, unknown>;
  const keys = Object.keys(object).sort();
  sink.byte(OBJECT);
  sink.count(keys.length);
  for (const key of keys) {
    sink.string(key);
    write(sink, object[key], `${path}.${key}`);
  }
}

function read(source: ByteSource): unknown {
  const tag = source.byte();
  switch (tag) {
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NATURAL:
      return source.count();
    case NEGATIVE:
      return -source.count();
    case FLOAT:
      return source.float();
    case STRING:
      return source.string();
    case ARRAY:
      return Array.from({ length: countOf(source) }, () => read(source));
    case OBJECT:
      return Object.fromEntries(Array.from({ length: countOf(source) }, () => [source.string(), read(source)]));
    case MAP:
      return new Map(Array.from({ length: countOf(source) }, () => [read(source), read(source)] as const));
    case SET:
      return new Set(Array.from({ length: countOf(source) }, () => read(source)));
    case COLUMN:
      return readColumn(source);
    default:
      return source.fail(`${tag} is no kind of value`);
  }
}

/** A number of elements: each takes at least a byte, so a broken count is noticed before anything is made for it. */
function countOf(source: ByteSource): number {
  const count = source.count();
  if (count > source.left) source.fail(`${count} elements in ${source.left} bytes`);
  return count;
}
