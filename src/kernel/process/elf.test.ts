import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROT_EXEC, PROT_READ } from '../uapi.ts';
import { maximumAlignment, parseElf, totalMappingSize } from './elf.ts';

interface Header {
  type: number;
  flags: number;
  offset: number;
  address: number;
  fileSize: number;
  memorySize: number;
  align: number;
}

const LOAD: Header = {
  type: 1,
  flags: 5,
  offset: 0,
  address: 0x400000,
  fileSize: 0x200,
  memorySize: 0x3000,
  align: 4096,
};

/** A small ELF file with these program headers and a string at byte 1024. */
function elf(headers: Header[], text = '', machine = 62): Uint8Array {
  const bytes = new Uint8Array(2048);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(24, 0x400100n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, headers.length, true);
  headers.forEach((header, i) => {
    const at = 64 + i * 56;
    view.setUint32(at, header.type, true);
    view.setUint32(at + 4, header.flags, true);
    const { offset, address, fileSize, memorySize, align } = header;
    [offset, address, address, fileSize, memorySize, align].forEach((field, n) => {
      view.setBigUint64(at + 8 + n * 8, BigInt(field), true);
    });
  });
  bytes.set(new TextEncoder().encode(text), 1024);
  return bytes;
}

describe('parseElf', () => {
  test('what does it read of a program with an interpreter?', () => {
    const interp = { ...LOAD, type: 3, offset: 1024, fileSize: 8 };
    const stack = { ...LOAD, type: 0x6474e551, flags: 6 };
    expect(parseElf(elf([interp, LOAD, stack], '/lib/ld\0'))).toEqual({
      type: 'dyn',
      entry: 0x400100,
      interpreter: '/lib/ld',
      stackExecutable: false,
      segments: [
        { address: 0x400000, offset: 0, fileSize: 0x200, memorySize: 0x3000, prot: PROT_READ | PROT_EXEC, align: 4096 },
      ],
    });
  });

  test('is a file refused that is not for this machine, or whose interpreter name does not end?', () => {
    expect(parseElf(elf([LOAD], '', 40))).toBeUndefined();
    expect(parseElf(elf([{ ...LOAD, type: 3, offset: 1024, fileSize: 8 }], '/lib/ld64'))).toBeUndefined();
    expect(parseElf(new TextEncoder().encode('#!/bin/sh\n'.repeat(10)))).toBeUndefined();
  });

  test('is it safe with any bytes behind a valid start?', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(60), (noise, at) => {
        const bytes = elf([LOAD, LOAD]);
        bytes.set(noise, at + 8);
        parseElf(bytes.subarray(0, 900));
      }),
    );
  });
});

describe('sizes of an image', () => {
  test('do they span all segments and take the largest power of two?', () => {
    const image = parseElf(
      elf([LOAD, { ...LOAD, address: 0x612345, memorySize: 0x10, align: 0x200000 }, { ...LOAD, align: 3 << 20 }]),
    );
    if (image === undefined) throw new Error('the file is valid');
    expect(totalMappingSize(image)).toBe(0x612355 - 0x400000);
    expect(maximumAlignment(image)).toBe(0x200000);
  });
});
