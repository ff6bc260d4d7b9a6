import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LackeyError, LackeyReader } from './lackey.ts';

type Access = readonly [kind: 'I ' | ' L' | ' S' | ' M', address: number, size: number];

const access = fc.tuple(
  fc.constantFrom<Access[0][]>('I ', ' L', ' S', ' M'),
  fc.nat(2 ** 40),
  fc.integer({ min: 1, max: 512 }),
);
const lineOf = ([kind, address, size]: Access): string => `${kind} ${address.toString(16).padStart(8, '0')},${size}\n`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Reads the text in pieces of this length. */
function read(
  text: Uint8Array,
  piece = text.length,
): { accesses: Access[]; error: LackeyError | undefined; lines: number } {
  const accesses: Access[] = [];
  const reader = new LackeyReader({
    fetch: (address, size) => void accesses.push(['I ', address, size]),
    load: (address, size) => void accesses.push([' L', address, size]),
    store: (address, size) => void accesses.push([' S', address, size]),
    modify: (address, size) => void accesses.push([' M', address, size]),
  });
  try {
    for (let at = 0; at < text.length; at += piece) reader.push(text.subarray(at, at + piece));
    reader.end();
    return { accesses, error: undefined, lines: reader.lines };
  } catch (error) {
    if (error instanceof LackeyError) return { accesses, error, lines: reader.lines };
    throw error;
  }
}

describe('lackey text', () => {
  it('is every access read, wherever the pieces of the text are cut?', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (accesses, piece) => {
        const text = bytesOf(`==77== Lackey, an example\n${accesses.map(lineOf).join('')}`);
        expect(read(text, piece)).toEqual({ accesses, error: undefined, lines: accesses.length + 1 });
      }),
    );
  });

  it('is the command told when Valgrind printed it?', () => {
    let told = '';
    const ignore = (): void => {};
    const reader = new LackeyReader({
      fetch: ignore,
      load: ignore,
      store: ignore,
      modify: ignore,
      command: (text) => {
        told = text;
      },
    });
    reader.push(bytesOf('==77== Command: ls -l /\n'));
    expect(told).toBe('ls -l /');
  });

  it.each([
    ['I  0400zz30,3', 'a digit that is none'],
    [' L 1ffefffe50', 'no size'],
    [' L 1ffefffe50,', 'an empty size'],
    [' L ,8', 'no address'],
    [' X 1000,8', 'an unknown kind'],
    [' L 1000,0', 'no bytes'],
    [' L 1000,99999999999999999999', 'an impossible size'],
    [' L 123456789abcdef0123,8', 'an impossible address'],
    ['I', 'half a line'],
  ])('is the line %j refused by its number (%s)?', (line) => {
    const { accesses, error } = read(bytesOf(`I  1000,3\n${line}\n S 2000,8\n`));
    expect(accesses).toEqual([['I ', 0x1000, 3]]);
    expect(error?.line).toBe(2);
    expect(error?.message).toContain("is no line of lackey's");
  });

  it('does a text that ends within a line say so?', () => {
    const { accesses, error } = read(bytesOf('I  1000,3\n L 20'));
    expect(accesses).toHaveLength(1);
    expect(error).toMatchObject({ line: 2, message: 'the text ends within a line' });
  });

  it('does any broken byte leave the lines before it, and at most name a line, never crash?', () => {
    const lines = Array.from({ length: 30 }, (_, at) => lineOf([at % 2 ? ' L' : 'I ', at * 5000, 4]));
    const whole = bytesOf(lines.join(''));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const broken = whole.slice();
        broken[at] = byte;
        const before = new TextDecoder().decode(whole.subarray(0, at)).split('\n').length - 1;
        const { accesses, error } = read(broken, 16);
        expect(accesses.slice(0, before)).toEqual(read(whole).accesses.slice(0, before));
        if (error !== undefined) expect(error.line).toBeGreaterThan(before);
      }),
      { numRuns: 500 },
    );
  });

  it('is a text without line ends given up before it fills the memory?', () => {
    const { error } = read(new Uint8Array(1 << 20).fill(0x41), 1 << 16);
    expect(error?.message).toBe('the line does not end');
  });
});
