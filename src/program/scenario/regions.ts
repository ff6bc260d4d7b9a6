import { type AddressExpression, FIXED_PLACES, wrapAddress } from './address-expression.ts';
import { ARENA_END, ARENA_START, BINARY_END, BINARY_START, SCRATCH } from './layout.ts';
import { hex } from './size.ts';

/** A named part of an address space; addresses and lengths in bytes. */
export interface Region {
  readonly name: string;
  start: number;
  length: number;
}

/** The search for a first mapping ends this far below `top`, and names reach no farther. */
const TOP_REACH = 2 ** 46;
const REGION_REACH = 2 ** 40;
const STACK_REACH = 64 * 2 ** 20;
const LOWEST_BINARY = 0x400000;

/**
 * The names that a scenario gave to places of one process. A region keeps its name and place when it is unmapped:
 * answers go on to speak of it, as the oracle does.
 */
export class Regions {
  readonly #regions: Region[] = [];
  /** Where the first mapping of a fresh process ends: the lowest of [vvar] and [vdso]. */
  readonly top: number;

  constructor(top: number, regions: readonly Region[] = []) {
    this.top = top;
    this.#regions = regions.map((region) => ({ ...region }));
  }

  /** What a forked child knows. */
  copy(): Regions {
    return new Regions(this.top, this.#regions);
  }

  find(name: string): Region | undefined {
    return this.#regions.find((region) => region.name === name);
  }

  /** Names a place, or moves a name. */
  set(name: string, start: number, length: number): void {
    const known = this.find(name);
    if (known === undefined) this.#regions.push({ name, start, length });
    else Object.assign(known, { start, length });
  }

  /**
   * @returns the byte address that an expression means here and the bytes from there to the end of its region (0 when it
   * is no region), or undefined for a region that was never mapped
   */
  resolve(expression: AddressExpression): { address: number; length: number } | undefined {
    const { name, offsets } = expression;
    const region = name === undefined ? undefined : this.find(name);
    const fixed = name === 'scratch' ? SCRATCH : FIXED_PLACES.get(name ?? '');
    if (name !== undefined && region === undefined && fixed === undefined) return undefined;
    let address = fixed ?? region?.start ?? expression.base;
    let length = fixed === undefined ? (region?.length ?? 0) : 0;
    for (const offset of offsets) {
      address += offset;
      if (offset >= 0 && length > offset) length -= offset;
    }
    return { address: wrapAddress(address), length };
  }

  /** How answers name an address: by the smallest region around it, else by the nearest place (CONFORMANCE.md). */
  symbol(address: number): string {
    let around: Region | undefined;
    let above: Region | undefined;
    for (const region of this.#regions) {
      const inside = address >= region.start && address < region.start + region.length;
      if (inside && region.length <= (around?.length ?? Number.POSITIVE_INFINITY)) around = region;
      if (region.start > address && region.start < (above?.start ?? Number.POSITIVE_INFINITY)) above = region;
    }
    if (around !== undefined) {
      return address === around.start ? around.name : `${around.name}+${hex(address - around.start)}`;
    }
    if (address < LOWEST_BINARY) return `null+${hex(address)}`;
    if (address >= ARENA_START && address < ARENA_END) return 'oracle';
    if (address >= BINARY_START && address < BINARY_END) return 'binary';
    const ended = this.#regions.find(({ start, length }) => length > 0 && address === start + length);
    if (ended !== undefined) return `end(${ended.name})`;
    if (above !== undefined && above.start - address < REGION_REACH && above.name !== 'stack') {
      return `${above.name}-${hex(above.start - address)}`;
    }
    const stack = this.find('stack');
    if (stack !== undefined && address < stack.start && stack.start - address < STACK_REACH) {
      return `stack-${hex(stack.start - address)}`;
    }
    if (address <= this.top && this.top - address < TOP_REACH) return `top-${hex(this.top - address)}`;
    return hex(address);
  }
}
