import type { ProcessorModel, TlbLevelModel } from '../processors/processor-model.ts';
import { TlbLevel, type TlbLevelState } from './tlb-level.ts';

/** The tag of no page and of no empty entry. */
export const NO_TAG = -2;

/**
 * The TLBs of one CPU: L1 for data and for instructions, and L2, shared or apart.
 *
 * The tags of all L1 arrays stand in one long array, so that a replay can compare any run with its entry without asking
 * what kind it is: of data for loads, from `storeBit` on of data for stores (only where a store may pass), from twice
 * that on of instructions. A place is an index into it.
 */
export class TlbHierarchy {
  readonly data: TlbLevel;
  readonly instruction: TlbLevel;
  readonly l2Data: TlbLevel;
  readonly l2Instruction: TlbLevel;
  readonly tags: Float64Array;
  /** By place without its store bit: loads and stores share an entry's stamp. */
  readonly stamps: Float64Array;
  /** A power of two, at least the entries of either L1 TLB. */
  readonly storeBit: number;

  constructor(model: ProcessorModel, levels: number) {
    const data = entriesOf(model.l1Data);
    const code = entriesOf(model.l1Instruction);
    const storeBit = 2 ** Math.ceil(Math.log2(Math.max(data, code)));
    const codeStart = 2 * storeBit;
    this.storeBit = storeBit;
    this.tags = new Float64Array(codeStart + code).fill(NO_TAG);
    this.stamps = new Float64Array(codeStart + code);
    this.data = new TlbLevel(model.l1Data, levels, {
      tags: this.tags.subarray(0, data),
      storeTags: this.tags.subarray(storeBit, storeBit + data),
      stamps: this.stamps.subarray(0, data),
    });
    this.instruction = new TlbLevel(model.l1Instruction, levels, {
      tags: this.tags.subarray(codeStart),
      storeTags: new Float64Array(code),
      stamps: this.stamps.subarray(codeStart),
    });
    this.l2Data = new TlbLevel(model.l2, levels);
    this.l2Instruction = model.l2Instruction ? new TlbLevel(model.l2Instruction, levels) : this.l2Data;
  }

  /** Forgets what translates a page for one PCID. */
  drop(page: number, pcid: number): void {
    this.data.drop(page, pcid);
    this.instruction.drop(page, pcid);
    this.l2Data.drop(page, pcid);
    if (this.l2Instruction !== this.l2Data) this.l2Instruction.drop(page, pcid);
  }

  /** Forgets what translates a page for all. */
  dropGlobal(page: number): void {
    this.data.dropGlobal(page);
    this.instruction.dropGlobal(page);
    this.l2Data.dropGlobal(page);
    if (this.l2Instruction !== this.l2Data) this.l2Instruction.dropGlobal(page);
  }

  dropPcid(pcid: number): void {
    this.data.dropPcid(pcid);
    this.instruction.dropPcid(pcid);
    this.l2Data.dropPcid(pcid);
    if (this.l2Instruction !== this.l2Data) this.l2Instruction.dropPcid(pcid);
  }

  dropAll(includingGlobal: boolean): void {
    this.data.dropAll(includingGlobal);
    this.instruction.dropAll(includingGlobal);
    this.l2Data.dropAll(includingGlobal);
    if (this.l2Instruction !== this.l2Data) this.l2Instruction.dropAll(includingGlobal);
  }

  save(): TlbHierarchyState {
    return {
      data: this.data.save(),
      instruction: this.instruction.save(),
      l2Data: this.l2Data.save(),
      l2Instruction: this.l2Instruction === this.l2Data ? undefined : this.l2Instruction.save(),
    };
  }

  /** Takes the place of everything kept. Throws RangeError when the state is of another processor model. */
  restore(state: TlbHierarchyState): void {
    if ((state.l2Instruction === undefined) !== (this.l2Instruction === this.l2Data))
      throw new RangeError('TlbHierarchy.restore: the state is of another processor model');
    this.data.restore(state.data);
    this.instruction.restore(state.instruction);
    this.l2Data.restore(state.l2Data);
    if (state.l2Instruction !== undefined) this.l2Instruction.restore(state.l2Instruction);
  }
}

/** Entries of all arrays of a level. */
const entriesOf = (model: TlbLevelModel): number => model.reduce((sum, { entries }) => sum + entries, 0);

export interface TlbHierarchyState {
  readonly data: TlbLevelState;
  readonly instruction: TlbLevelState;
  readonly l2Data: TlbLevelState;
  /** Undefined when L2 is shared. */
  readonly l2Instruction: TlbLevelState | undefined;
}
