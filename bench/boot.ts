/**
 * Boots a machine of 128 GiB in a process of its own and prints what that took, as JSON.
 */
import { PAGE_SIZE } from '../src/hardware/units.ts';
import { Machine } from '../src/machine/machine.ts';

const BYTES = 128 * 2 ** 30;

export interface BootFigures {
  readonly milliseconds: number;
  /** Of the arrays that a machine is made of, touched or not. */
  readonly arrayBytes: number;
  readonly peakBytes: number;
  readonly frames: number;
}

const arrayBytesBefore = process.memoryUsage().arrayBuffers;
const start = performance.now();
const machine = new Machine({ memory: BYTES });
const figures: BootFigures = {
  milliseconds: performance.now() - start,
  arrayBytes: process.memoryUsage().arrayBuffers - arrayBytesBefore,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  frames: machine.options.memory / PAGE_SIZE,
};
console.log(JSON.stringify(figures));
