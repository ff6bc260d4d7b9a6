import { describe, expect, test } from 'vitest';
import type { Vpn } from '../hardware/units.ts';
import { pfn } from '../hardware/units.ts';
import { isMapped } from '../kernel/page-table/soft-entry.ts';
import { mapsText } from '../kernel/proc/maps.ts';
import type { ElfImage } from '../kernel/process/elf.ts';
import type { ElfFile } from '../kernel/process/exec.ts';
import fixtures from '../kernel/process/fixtures/exec.json' with { type: 'json' };
import { Machine } from './machine.ts';

const LOADER = '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2';

/** Runs a fixture's program on a machine with all files cached. */
function start(fixture: (typeof fixtures)[number]) {
  const machine = new Machine({ memory: 64 << 20 });
  const { files, processes } = machine.kernel;
  const elf = (path: string, image: unknown): ElfFile => {
    const { segments } = image as ElfImage;
    const size = Math.max(...segments.map(({ offset, fileSize }) => offset + fileSize));
    const inode = files.create(path, { size });
    for (let index = 0; index * 4096 < size; index++)
      files.cache.setUptodate(pfn(files.cache.add(undefined, inode, index)));
    return { file: files.openInode(inode, 0), image: image as ElfImage };
  };
  const task = processes.spawn('test', 0 as Vpn);
  machine.runOn(0, task);
  const interpreter = fixture.interpreter && elf(LOADER, fixture.interpreter);
  const result = machine.kernel.exec(task, {
    program: elf(fixture.program, fixture.image),
    interpreter,
    strings: fixture.strings,
  });
  return { machine, task, result };
}

describe('exec on the machine', () => {
  test.each(fixtures)(
    'does /proc/PID/maps of $program show what Linux 6.18 showed at its first instruction?',
    (fixture) => {
      const { task, result } = start(fixture);
      expect(result).toBe(0);
      const lines = mapsText(task.mm)
        .trim()
        .split('\n')
        .filter((line) => !line.endsWith('[vsyscall]'))
        .map((line) => line.replace(/^(\S+ \S+ \S+) \S+ \d+ */, '$1 ').trim());
      expect(lines).toEqual(fixture.maps);
    },
  );

  test.each(fixtures)('does $program have as many minor faults as Linux counted, and a page for each?', (fixture) => {
    const { machine, task } = start(fixture);
    expect([task.minFlt, task.majFlt]).toEqual([fixture.faults, 0]);
    const { pageTables } = machine.kernel;
    let mapped = 0;
    for (const vma of task.mm.vmas)
      pageTables.forEachTable(task.mm, vma.start, vma.end, (slot, _page, count) => {
        for (let i = 0; i < count; i++) if (isMapped(pageTables.lo(slot + i))) mapped++;
      });
    expect(mapped).toBe(fixture.faults);
  });
});
