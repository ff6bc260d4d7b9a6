/** Shared memory in swap: scenario swap_20 and what lies around it. */
import { describe, expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { MM_SWAPENTS } from '../kernel/address-space/mm.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { countFrames } from '../kernel/proc/frame-counts.ts';
import { smapsOf } from '../kernel/proc/smaps.ts';
import { disk, loop, type SwapDevice, zram } from '../kernel/swap/swap-devices.ts';
import { MADV_REMOVE, MADV_WILLNEED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { PSWPIN, SWAP_RA } from '../kernel/vmstat.ts';
import { PAGE, type SwapBox, swapBox } from './testing/swap-box.ts';

const PAGES = 24;

function filled(device: SwapDevice): SwapBox & { at: number } {
  const box = swapBox();
  box.swapon(device, 1024);
  const at = box.mmap(PAGES, 'shared');
  for (let i = 0; i < PAGES; i++) box.poke(box.task, at + i * PAGE, i + 1);
  box.pageOut(box.task, at, PAGES);
  return { ...box, at };
}

function smaps({ machine, task, at }: SwapBox & { at: number }): Record<string, number> {
  const vma = task.mm.vmas.find(vpn(at / PAGE));
  if (vma === undefined) throw new Error('no mapping');
  return smapsOf(machine.kernel, vma);
}

const used = ({ machine }: SwapBox): number => machine.kernel.swap.total - machine.kernel.swap.free;
const sound = ({ machine }: SwapBox): void => expect(checkInvariants(machine.kernel)).toEqual([]);

describe.each([
  ['zram', zram],
  ['loop', loop],
  ['disk', disk],
] as const)('shared memory in swap on %s', (_name, device) => {
  test("is it in nobody's VmSwap, yet in the Swap of smaps, and no longer Shmem?", () => {
    const box = filled(device);
    expect(box.task.mm.rss[MM_SWAPENTS]).toBe(0);
    expect(smaps(box)).toMatchObject({ Rss: 0, Swap: PAGES * 4, SwapPss: 0 });
    expect(used(box)).toBe(PAGES);
    expect(countFrames(box.machine.kernel.table).shmem).toBe(0);
    sound(box);
  });

  test('does it come back whole, its slots free again at once?', () => {
    const box = filled(device);
    for (let i = PAGES - 1; i >= 0; i--) expect(box.peek(box.task, box.at + i * PAGE)).toBe(i + 1);
    expect([used(box), smaps(box).Swap]).toEqual([0, 0]);
    sound(box);
  });

  test("do two processes see each other's writes to a page that was in swap?", () => {
    const box = filled(device);
    const child = box.fork(box.task);
    box.poke(child, box.at + 3 * PAGE, 99);
    expect(box.peek(box.task, box.at + 3 * PAGE)).toBe(99);
    expect(used(box)).toBeLessThan(PAGES);
    sound(box);
  });

  test('do a hole and the end of the last mapping give the slots back?', () => {
    const box = filled(device);
    const { addressSpaces } = box.machine.kernel;
    addressSpaces.madvise(box.task, box.at, 4 * PAGE, MADV_REMOVE);
    expect(used(box)).toBe(PAGES - 4);
    expect(box.peek(box.task, box.at)).toBe(0);
    addressSpaces.munmap(box.task, box.at, PAGES * PAGE);
    expect(used(box)).toBe(0);
    sound(box);
  });

  test('does swapoff bring every page back to its file?', () => {
    const box = filled(device);
    const { kernel } = box.machine;
    const [area] = kernel.swap.areas;
    expect(area === undefined ? -1 : kernel.swapoff(area.path)).toBe(0);
    expect(countFrames(kernel.table).shmem).toBe(PAGES);
    for (let i = 0; i < PAGES; i++) expect(box.peek(box.task, box.at + i * PAGE)).toBe(i + 1);
    sound(box);
  });
});

test('does mincore say of a page in swap whether the swap cache has it?', () => {
  const box = filled(loop);
  const { addressSpaces } = box.machine.kernel;
  const residency = new Uint8Array(PAGES);
  const resident = (): number => {
    addressSpaces.mincore(box.task, box.at, PAGES * PAGE, residency);
    return residency.reduce((sum, one) => sum + one, 0);
  };
  // Written, but the disk has not answered when MADV_PAGEOUT returns.
  expect(resident()).toBe(PAGES);
  box.pageOut(box.task, box.at, PAGES);
  const zramBox = filled(zram);
  zramBox.machine.kernel.addressSpaces.mincore(zramBox.task, zramBox.at, PAGES * PAGE, residency);
  expect(residency.reduce((sum, one) => sum + one, 0)).toBe(0);
  zramBox.machine.kernel.addressSpaces.madvise(zramBox.task, zramBox.at, 5 * PAGE, MADV_WILLNEED);
  zramBox.machine.kernel.addressSpaces.mincore(zramBox.task, zramBox.at, PAGES * PAGE, residency);
  expect([...residency].slice(0, 7)).toEqual([1, 1, 1, 1, 1, 0, 0]);
});

test("does a private copy of a page hide the file's page in swap from smaps, and only that one?", () => {
  const box = swapBox();
  box.swapon(zram, 1024);
  const { kernel } = box.machine;
  const fd = kernel.files.memfdCreate(box.task, 'm');
  const file = box.task.process.files.get(fd);
  if (file === undefined) throw new Error('no memfd');
  kernel.files.ftruncate(box.task, fd, PAGES * PAGE);
  const shared = kernel.addressSpaces.mmap(box.task, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, 1, file, 0);
  for (let i = 0; i < PAGES; i++) box.poke(box.task, shared + i * PAGE, i + 1);
  const own = kernel.addressSpaces.mmap(box.task, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  box.poke(box.task, own, 7);
  box.pageOut(box.task, shared, PAGES);
  expect(smaps({ ...box, at: own })).toMatchObject({ Rss: 4, Swap: (PAGES - 1) * 4 });
  expect(smaps({ ...box, at: shared })).toMatchObject({ Rss: 0, Swap: PAGES * 4 });
  // Cutting the file in the middle of a page that is in swap keeps what lies before the cut.
  kernel.files.ftruncate(box.task, fd, 5 * PAGE + 2);
  expect([used(box), box.peek(box.task, shared + 4 * PAGE)]).toEqual([5, 5]);
  expect(box.peek(box.task, shared + 5 * PAGE)).toBe(6);
  sound(box);
});

test('do pages of one swap-in come with their neighbours on the disk?', () => {
  const box = filled(disk);
  const { vmstat } = box.machine.kernel;
  // What MADV_PAGEOUT wrote is still in the swap cache; a second look drops it.
  box.machine.kernel.reclaim.direct();
  const before = vmstat.value(PSWPIN);
  box.peek(box.task, box.at + 12 * PAGE);
  expect(vmstat.value(PSWPIN) - before).toBe(vmstat.value(SWAP_RA) + 1);
  expect(vmstat.value(SWAP_RA)).toBeGreaterThan(0);
  sound(box);
});
