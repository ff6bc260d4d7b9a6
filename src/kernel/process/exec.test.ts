import { describe, expect, test } from 'vitest';
import { PAGE_SIZE, type Pfn, type Vpn } from '../../hardware/units.ts';
import { Mm } from '../address-space/mm.ts';
import { VM_EXEC, VM_READ, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import { E2BIG } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import { MAP_FIXED, MAP_FIXED_NOREPLACE } from '../uapi.ts';
import type { ElfImage } from './elf.ts';
import { type ExecRequest, type ExecServices, exec } from './exec.ts';
import { FileTable } from './file-table.ts';
import fixtures from './fixtures/exec.json' with { type: 'json' };
import { defaultRlimits, Process, rootCredentials, Task } from './process.ts';

interface Range {
  start: number;
  end: number;
  flags: number;
  offset: number;
  name: string;
}

/** An address space as a plain list of ranges, placed top-down; no merging, no tables. */
class PlainSpace implements ExecServices {
  ranges: Range[] = [];
  readonly touched = new Set<number>();
  readonly special = {
    vvar: { name: '[vvar]', frames: [1, 2, 3, 4] as Pfn[], counted: false },
    vvarVclock: { name: '[vvar_vclock]', frames: [5, 6] as Pfn[], counted: false },
    vdso: { name: '[vdso]', frames: [7, 8] as Pfn[], counted: true },
  };
  base = 0;

  replaceMm(process: Process, mmapBase: Vpn): void {
    process.mm = new Mm(1, 0 as Pfn, mmapBase);
    this.base = mmapBase * PAGE_SIZE;
  }

  unmappedArea(_task: Task, length: number): number {
    let end = this.base;
    for (const range of this.ranges.toSorted((a, b) => b.start - a.start)) {
      if (range.start < this.base && end - range.end < length) end = Math.min(end, range.start);
    }
    return end - length;
  }

  mmap(task: Task, address: number, length: number, prot: number, flags: number, file: File, offset: number): number {
    const start = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ? address : this.unmappedArea(task, length);
    this.munmap(task, start, length);
    const name = (file as unknown as { name: string }).name;
    this.ranges.push({ start, end: start + length, flags: prot, offset, name });
    return start;
  }

  munmap(_task: Task, address: number, length: number): number {
    const end = address + length;
    this.ranges = this.ranges.flatMap((range) => [
      ...(range.start < address ? [{ ...range, end: Math.min(range.end, address) }] : []),
      ...(range.end > end ? [{ ...range, start: Math.max(range.start, end) }] : []),
    ]);
    return 0;
  }

  mapBrk(_task: Task, address: number, length: number, executable: boolean): number {
    const flags = VM_READ | VM_WRITE | (executable ? VM_EXEC : 0);
    this.ranges.push({ start: address, end: address + length, flags, offset: 0, name: '' });
    return 0;
  }

  insertVma(vma: Vma): number {
    const name = vma.special?.name ?? '[stack]';
    this.ranges.push({ start: vma.start * PAGE_SIZE, end: vma.end * PAGE_SIZE, flags: vma.flags, offset: 0, name });
    return 0;
  }

  writeUser(_task: Task, address: number, length: number): void {
    for (let page = Math.floor(address / PAGE_SIZE); page * PAGE_SIZE < address + length; page++)
      this.touched.add(page);
  }

  /** As /proc/PID/maps prints it, without device and inode. */
  maps(): string[] {
    const hex = (n: number): string => n.toString(16).padStart(8, '0');
    const letters = (flags: number): string => ['r', 'w', 'x'].map((c, i) => (flags & (1 << i) ? c : '-')).join('');
    return this.ranges
      .toSorted((a, b) => a.start - b.start)
      .map((r) => `${hex(r.start)}-${hex(r.end)} ${letters(r.flags)}p ${hex(r.offset)} ${r.name}`.trim());
  }
}

function run(fixture: (typeof fixtures)[number], change: Partial<ExecRequest> = {}) {
  const space = new PlainSpace();
  const elf = (name: string, image: unknown) => ({ file: { name } as unknown as File, image: image as ElfImage });
  const process = new Process({
    pid: 1,
    comm: 'test',
    mm: new Mm(0, 0 as Pfn, 0 as Vpn),
    files: new FileTable(),
    rlimits: defaultRlimits(),
    credentials: rootCredentials(),
  });
  const interpreter = fixture.interpreter && elf('/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', fixture.interpreter);
  const request = { program: elf(fixture.program, fixture.image), interpreter, strings: fixture.strings, ...change };
  return { space, mm: () => process.mm, result: exec(space, new Task(1, process), request) };
}

describe('exec', () => {
  test.each(fixtures)('lays out $program as Linux 6.18 did?', (fixture) => {
    const { space, mm, result } = run(fixture);
    expect(result).toBe(0);
    expect(space.maps()).toEqual(fixture.maps);
    const { startCode, endCode, startStack, startData, endData, startBrk } = fixture;
    expect(mm()).toMatchObject({ startCode, endCode, startStack, startData, endData, startBrk, brk: startBrk });
  });

  test.each(fixtures)('takes as many faults for $program as Linux counted at its first instruction?', (fixture) => {
    expect(run(fixture).space.touched.size).toBe(fixture.faults);
  });

  const cat = fixtures[0] as (typeof fixtures)[number];

  test('with randomisation: is every part moved, page by page, and the break behind the program?', () => {
    const { space, mm } = run(cat, { random: () => 0xabcdef12 });
    const fixed = new Set(run(cat).space.ranges.map(({ start }) => start));
    for (const { start } of space.ranges) {
      expect(start % PAGE_SIZE).toBe(0);
      expect(fixed.has(start)).toBe(false);
    }
    const programEnd = Math.max(...space.ranges.filter(({ name }) => name === '/usr/bin/cat').map(({ end }) => end));
    expect(mm().brk).toBeGreaterThan(programEnd);
    expect(mm().brk - programEnd).toBeLessThanOrEqual((32 << 20) + PAGE_SIZE);
  });

  test('arguments: are too many and too long ones refused with E2BIG before anything is lost?', () => {
    const tooMany = run(cat, { strings: { filename: 8, argv: Array<number>(500_000).fill(9), envp: [] } });
    const tooLong = run(cat, { strings: { filename: 8, argv: [32 * PAGE_SIZE], envp: [] } });
    expect([tooMany.result, tooLong.result]).toEqual([-E2BIG, -E2BIG]);
    expect(tooMany.mm().id).toBe(0);
  });

  test('arguments of 100 KiB: does the stack grow by them and do their pages count as touched?', () => {
    const strings = { filename: 8, argv: [8, 100 << 10], envp: [] };
    const { space } = run(cat, { strings });
    const stack = space.ranges.find(({ name }) => name === '[stack]') as Range;
    expect((stack.end - stack.start) >> 10).toBe(104 + 128);
    expect(space.touched.size).toBe(26 + 2);
  });
});
