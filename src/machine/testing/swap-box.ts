/** A small machine with contents and swap, for tests: words in, words out. */
import { LOAD, STORE } from '../../hardware/cpu.ts';
import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Task } from '../../kernel/process/process.ts';
import type { SwapArea } from '../../kernel/swap/swap-area.ts';
import type { SwapDevice } from '../../kernel/swap/swap-devices.ts';
import type { SwaponRequest } from '../../kernel/swap/swapon.ts';
import { findArea } from '../../kernel/swap/swapon.ts';
import { MADV_PAGEOUT, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import { Machine } from '../machine.ts';

export const PAGE = 4096;

export interface SwapBox {
  readonly machine: Machine;
  readonly task: Task;
  /** Puts an area of that many pages, the header among them, into use. */
  swapon(device: SwapDevice, pages: number, more?: Partial<SwaponRequest>): SwapArea;
  mmap(pages: number, kind: 'private' | 'shared', task?: Task): number;
  /** Puts a number into the first word of a page and reads it back from there. */
  poke(task: Task, address: number, value: number): void;
  peek(task: Task, address: number): number;
  /** MADV_PAGEOUT. */
  pageOut(task: Task, address: number, pages: number): void;
  fork(task: Task): Task;
}

/** @param memory bytes */
export function swapBox(memory = 16 << 20, cpus = 1): SwapBox {
  const machine = new Machine({ memory, cpus, contents: 'bytes', transparentHugePages: 'never' });
  const { kernel } = machine;
  const first = kernel.processes.spawn('a', vpn(0x7ffff7fff) as Vpn);
  machine.runOn(0, first);
  const access = (
    task: Task,
    address: number,
    visit: (page: Uint8Array, offset: number) => void,
    write: boolean,
  ): void => {
    machine.runOn(0, task);
    machine.touch(task, address, write ? STORE : LOAD);
    kernel.userAccess.forEachPiece(task, address, 4, write, (frame, offset) =>
      visit(kernel.memory.view(frame), offset),
    );
  };
  const words = (page: Uint8Array): DataView => new DataView(page.buffer, page.byteOffset, PAGE);
  return {
    machine,
    task: first,
    swapon: (device, pages, more = {}) => {
      const path = `/dev/swap${kernel.swap.areas.length}`;
      const error = kernel.swapon({ path, device, slots: pages, ...more });
      const area = findArea(kernel.swap, more.path ?? path);
      if (error !== 0 || area === undefined) throw new Error(`swapon: ${error}`);
      return area;
    },
    mmap: (pages, kind, task = first) => {
      const flags = MAP_ANONYMOUS | (kind === 'shared' ? MAP_SHARED : MAP_PRIVATE);
      return kernel.addressSpaces.mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
    },
    poke: (task, address, value) =>
      access(task, address, (page, offset) => words(page).setInt32(offset, value, true), true),
    peek: (task, address) => {
      let value = 0;
      access(
        task,
        address,
        (page, offset) => {
          value = words(page).getInt32(offset, true);
        },
        false,
      );
      return value;
    },
    pageOut: (task, address, pages) => {
      machine.runOn(0, task);
      kernel.addressSpaces.madvise(task, address, pages * PAGE, MADV_PAGEOUT);
    },
    fork: (task) => {
      const child = kernel.processes.fork(task);
      if (typeof child === 'number') throw new Error(`fork: ${child}`);
      return child;
    },
  };
}
