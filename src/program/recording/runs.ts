/**
 * The plain decoder of a block: one call a record, in order. For tools, tests and whoever reads the format for the first
 * time; replay has its own loop over the same columns, which this one defines.
 */
import type { Block } from './block.ts';
import { ByteReader } from './bytes.ts';
import { type RecordedEvent, readEvent } from './events.ts';
import {
  ESCAPE,
  ESCAPE_EVENT,
  RecordingError,
  RUN_FETCH,
  RUN_READ,
  RUN_WRITE,
  type RunKind,
  SLOTS,
  slotOf,
} from './format.ts';

export interface RunVisitor {
  /**
   * A page run.
   * @param count accesses of a data run; instructions of a fetch run (0 if it only brought the first bytes of one that
   *   crosses into the next page)
   * @param instruction instructions of the process before the run
   */
  run(kind: RunKind, page: number, count: number, instruction: number): void;
  event?(event: RecordedEvent, instruction: number): void;
}

/**
 * Calls the visitor for every record. Fetch runs come when they start, so their count, known only at the next fetch run,
 * is looked up ahead. Throws RecordingError when the columns contradict each other.
 */
export function forEachRun(block: Block, visitor: RunVisitor): void {
  const pages = new ByteReader(block.pages);
  const counts = new ByteReader(block.counts);
  const events = new ByteReader(block.events);
  const slots = [new Float64Array(SLOTS).fill(-1), new Float64Array(SLOTS).fill(-1)] as const;
  const lastNew = [0, 0];
  const instructions = instructionsAtRecords(block);
  const fetches = fetchLengths(block, instructions);
  let accesses = 0;

  for (let record = 0, fetch = 0; record < block.records; record++) {
    const head = block.heads[record] as number;
    const instruction = block.firstInstruction + (instructions[record] as number);
    if (head === (ESCAPE | (ESCAPE_EVENT << 2))) {
      const event = readEvent(events);
      visitor.event?.(event, instruction);
      continue;
    }
    const escaped = (head & 3) === ESCAPE;
    const kind = escaped ? head >>> 2 : head & 3;
    if (kind !== RUN_FETCH && kind !== RUN_READ && kind !== RUN_WRITE) {
      throw new RecordingError(`a record of the block has the unknown head ${head}`);
    }
    const group = kind === RUN_FETCH ? 0 : 1;
    let page: number;
    if (escaped) {
      page = (lastNew[group] ?? 0) + pages.signed();
      if (page < 0) throw new RecordingError('a page number in the block is negative');
      lastNew[group] = page;
      slots[group][slotOf(page)] = page;
    } else {
      page = slots[group][head >>> 2] as number;
      if (page < 0) throw new RecordingError('a record of the block names a page that it never told');
    }
    const count = kind === RUN_FETCH ? (fetches[fetch++] as number) : counts.varint();
    if (kind !== RUN_FETCH) accesses += count;
    visitor.run(kind, page, count, instruction);
  }
  if (!pages.done || !counts.done || !events.done)
    throw new RecordingError('a column of the block is longer than its records');
  if (accesses !== block.loads + block.stores)
    throw new RecordingError("the block's runs do not add up to its loads and stores");
}

/** For each record, the instructions of the block before it. */
function instructionsAtRecords(block: Block): Float64Array {
  const gaps = new ByteReader(block.gaps);
  const instructions = new Float64Array(block.records);
  let sum = 0;
  for (let record = 0; record < block.records; record++) {
    sum += gaps.varint();
    instructions[record] = sum;
  }
  if (!gaps.done) throw new RecordingError('a column of the block is longer than its records');
  if (sum > block.instructions) throw new RecordingError("the block's records do not add up to its instructions");
  return instructions;
}

/** For each fetch run, the instructions until the next one, or until the event or block end that closes it. */
function fetchLengths(block: Block, instructions: Float64Array): Float64Array {
  const lengths = new Float64Array(block.records);
  let open = -1;
  let runs = 0;
  const close = (at: number): void => {
    if (open >= 0) lengths[runs - 1] = at - open;
    open = -1;
  };
  for (let record = 0; record < block.records; record++) {
    const head = block.heads[record] as number;
    const at = instructions[record] as number;
    if ((head & 3) === RUN_FETCH || head === ESCAPE) {
      close(at);
      open = at;
      runs++;
    } else if (head === (ESCAPE | (ESCAPE_EVENT << 2))) close(at);
  }
  close(block.instructions);
  return lengths;
}
