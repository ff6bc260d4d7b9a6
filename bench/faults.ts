/** Anonymous page faults: how many first stores a second the simulated kernel serves, all accounting included. */
import { STORE } from '../src/hardware/cpu.ts';
import { PAGE_SIZE, vpn } from '../src/hardware/units.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../src/kernel/uapi.ts';
import { Machine } from '../src/machine/machine.ts';
import { cpuSeconds } from './cpu-clock.ts';

const PAGES = 200_000;
const STACK_TOP = vpn(0x7ffff7fff);

export interface FaultFigures {
  readonly faultsPerSecond: number;
  /** The same pages, mapped: what the access itself costs. */
  readonly touchesPerSecond: number;
}

/** Maps, touches and unmaps `PAGES` pages, `rounds` times; the best round counts. */
export function measureFaults(rounds: number): FaultFigures {
  const machine = new Machine({ memory: 4 * PAGES * PAGE_SIZE });
  const task = machine.kernel.processes.spawn('bench', STACK_TOP);
  machine.runOn(0, task);
  const { addressSpaces } = machine.kernel;
  const prot = PROT_READ | PROT_WRITE;
  let best = Infinity;
  let bestAgain = Infinity;
  for (let round = 0; round < rounds; round++) {
    const at = addressSpaces.mmap(task, 0, PAGES * PAGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
    const before = task.minFlt;
    best = Math.min(best, touchAll(machine, task, at));
    const faults = task.minFlt - before;
    if (faults !== PAGES) throw new Error(`faults: ${faults} for ${PAGES} pages`);
    bestAgain = Math.min(bestAgain, touchAll(machine, task, at));
    addressSpaces.munmap(task, at, PAGES * PAGE_SIZE);
  }
  return { faultsPerSecond: PAGES / best, touchesPerSecond: PAGES / bestAgain };
}

/** Seconds to store into each page once. */
function touchAll(machine: Machine, task: Parameters<Machine['touch']>[0], at: number): number {
  const start = cpuSeconds();
  for (let page = 0; page < PAGES; page++) machine.touch(task, at + page * PAGE_SIZE, STORE);
  return cpuSeconds() - start;
}
