import { describe, expect, test } from 'vitest';
import { beginsAsCacheTrace, guessFormat } from './formats.ts';
import { collect } from './testing/collect.ts';

const MSR = `128166372003061629,hm,1,Read,383496192,32768,413
128166372016382155,hm,1,write,4095,2,51
128166372026382245,hm,0,Write,4096,4096,70
128166372026382246,hm,0,Write,4096,0,70
`;

describe('MSR Cambridge', () => {
  test.each([1000, 1, 17])('does it split ranges into pages of the volume (pieces of %i bytes)?', (piece) => {
    const first = 383496192 / 4096;
    const pages = Array.from({ length: 8 }, (_, i) => `0:${first + i}`);
    expect(collect('msr', MSR, { piece, blocks: true }).requests).toEqual([...pages, '0:0', '0:1', '1:1']);
  });

  test('does it tell the calls, with their times since the first one?', () => {
    const { calls } = collect('msr', MSR, { blocks: true });
    expect(calls).toEqual([
      'read 0:383496192+32768 at 0',
      'write 0:4095+2 at 1332052600',
      'write 1:4096+4096 at 2332061600',
    ]);
  });

  test('is a byte behind the largest disk damage, when the calls are wanted?', () => {
    expect(() => collect('msr', `1,h,0,Read,${2 ** 42 - 1},2,1`)).toThrow(
      `line 1: byte ${2 ** 42 + 1} is behind the end of the largest disk of the policy linux, ${2 ** 42}`,
    );
    expect(collect('msr', `1,h,0,Read,${2 ** 42 - 1},1,1`).calls).toEqual([`read 0:${2 ** 42 - 1}+1 at 0`]);
  });

  test('does it keep whole requests, by their first sector?', () => {
    const { requests } = collect('msr', MSR, { wholeObjects: true, blocks: true });
    expect(requests).toEqual([`0:${383496192 / 512}`, '0:7', '1:8']);
  });

  test('is a byte at the end of 2^53 a page of its volume?', () => {
    const { requests } = collect('msr', `1,h,0,Read,${2 ** 53 - 4096},4096,1`, { blocks: true, calls: false });
    expect(requests).toEqual([`0:${2 ** 41 - 1}`]);
  });

  test.each([
    ['1,hm,1,Read,x,32768,413', '"x" is no offset'],
    ['1,hm,1,Read,-1,32768,413', '"-1" is no offset'],
    ['1,hm,1,Read,0,,413', '"" is no size'],
    ['1,hm,1,Trim,0,512,413', '"Trim" is no Read or Write'],
    ['1,hm,1,Read,0,99999999999,413', 'a request of 99999999999 bytes is larger than any system allows'],
    ['1,hm,1,Read,0,512', '"1,hm,1,Read,0,512" has not the 7 fields of an MSR Cambridge trace'],
    ['1,hm,1,Read,0,512,4,5,6', 'has not the 7 fields of an MSR Cambridge trace'],
  ])('does the damaged line %s name itself?', (line, what) => {
    const trace = `${MSR}${line}\n${MSR}`;
    expect(() => collect('msr', trace)).toThrow(what);
    expect(() => collect('msr', trace)).toThrow(/^line 5: /);
    const skipping = collect('msr', trace, { skip: true });
    expect(skipping.skipped).toBe(1);
    expect(skipping.requests).toEqual([...collect('msr', MSR).requests, ...collect('msr', MSR).requests]);
  });
});

describe('CSV', () => {
  test('does it take the objects of its header, numbers and texts apart?', () => {
    const trace = 'time,Object,size\n1,10,512\n2,a,512\r\n3,10,512\n\n4,4294967306,1\n5,b,1\n6,a,1';
    const { requests } = collect('csv', trace);
    expect(requests.map((name) => requests.indexOf(name))).toEqual([0, 1, 0, 3, 4, 1]);
    expect(requests[3]).toBe('4294967306');
  });

  test('does it tell the time in seconds, and what are writes?', () => {
    const trace = 'time,op,id\n10.5,get,1\n11,SET,2\nnoon,Write,3\n12,put,4\n11,delete,5\n';
    expect(collect('csv', trace).calls).toEqual([
      'read object at 0',
      'write object at 500000000',
      'write object at 500000000',
      'write object at 1500000000',
      'read object at 500000000',
    ]);
    expect(collect('csv', 'rw,disk,offset,size\nW,a,0,10\nR,b,4096,1\n').calls).toEqual([
      'write 0:0+10 at 0',
      'read 1:4096+1 at 0',
    ]);
  });

  test.each([';', '\t', ' '])('are fields apart by "%s" fields too?', (separator) => {
    const trace = 'time,obj_id\n1,10\n2,11\n'.replaceAll(',', separator);
    expect(collect('csv', trace).requests).toEqual(['10', '11']);
  });

  test('does it split bytes of a volume into pages, or keep them?', () => {
    const trace = 'volume,offset,size\nsda,4000,200\nsdb,0,4096\n';
    expect(collect('csv', trace, { blocks: true }).requests).toEqual(['0:0', '0:1', '1:0']);
    expect(collect('csv', trace, { blocks: true, wholeObjects: true }).requests).toEqual(['0:7', '1:0']);
  });

  test('can the caller name the columns, with or without a header in the file?', () => {
    const columns = 'when,key,size';
    expect(collect('csv', '1,7,1\n2,8,1\n', { columns }).requests).toEqual(['7', '8']);
    expect(collect('csv', `${columns}\n1,7,1\n`, { columns }).requests).toEqual(['7']);
  });

  test.each([
    ['time,object\n1,2\n1,2,3\n', 'line 3: "1,2,3" has not 2 fields, as the first line has'],
    ['time,object\n1,2\n1\n', 'line 3: "1" has not 2 fields, as the first line has'],
    ['time,object\n1,\n', 'line 2: the object has no name'],
    ['offset,size\n0,x\n', 'line 2: "x" is no size'],
    ['1,2,3\n', 'line 1: the header "1,2,3" names neither an object nor an offset; say which is which'],
  ])('does damage name its line: %j?', (trace, message) => {
    expect(() => collect('csv', trace)).toThrow(message);
  });

  test('do damaged lines only count when they are skipped?', () => {
    expect(collect('csv', 'time,object\n1,2\n1\n3,4\n', { skip: true })).toMatchObject({
      requests: ['2', '4'],
      skipped: 1,
    });
  });
});

test.each([
  ['1,h,0,Read,0,512,4\n', true],
  ['time,object\r\n1,2\n', true],
  ['import { test } from "vitest";\n', false],
  ['1 2 3\n', false],
  ['', false],
  ['\u0001\u0000\u0000\u0000', false],
  [`\u0001\u0000\u0000\u0000${'\u0007\u0000\u0000\u0000'.repeat(5)}`, true],
  [`\u0001\u0000\u0000\u0000${'\u0007\u0000\u0000\u0000'.repeat(3)}${'\u0000'.repeat(8)}`, false],
])('is %j surely a cache trace: %s?', (head, is) => {
  expect(beginsAsCacheTrace(new TextEncoder().encode(head))).toBe(is);
});

test.each([
  ['1,h,0,Read,0,512,4\n', 'msr'],
  ['time,object\n1,2\n', 'csv'],
  ['execve("/bin/ls", ["ls"], 0x7ffd /* 39 vars */) = 0\n', 'strace'],
  ['22486 openat(AT_FDCWD, "a,b", O_RDONLY) = 3\n', 'strace'],
  ['\u0001\u0000\u0000\u0000', 'oracleGeneral'],
])('is %j taken for what it is?', (head, format) => {
  expect(guessFormat(new TextEncoder().encode(head))).toBe(format);
});
