/** The inner loop of a replay and nothing else: what a processor's TLBs do with a block's page runs. */
import type { Cpu } from '../src/hardware/cpu.ts';
import { FETCHES, LOADS, STORES } from '../src/hardware/tlb/counters.ts';
import { vpn } from '../src/hardware/units.ts';
import type { Block } from '../src/program/recording/block.ts';
import { ByteReader } from '../src/program/recording/bytes.ts';
import { ESCAPE, RUN_FETCH, RUN_READ, RUN_WRITE, slotOf } from '../src/program/recording/format.ts';

const HEADS = 256;
/** Equal to no tag, not even that of an empty entry. */
const NO_TAG = -2;

/** Runs a block without events on pages that are all mapped. Tables are indexed by a record's head: slot and kind. */
export function replayBlock(cpu: Cpu, block: Block): void {
  const { heads } = block;
  const pages = new ByteReader(block.pages);
  const expected = new Float64Array(HEADS).fill(NO_TAG);
  const places = new Int32Array(HEADS);
  let lastCode = 0;
  let lastData = 0;
  for (let record = 0; ; record++) {
    record = cpu.hitRuns(heads, record, heads.length, expected, places);
    if (record === heads.length) break;
    let head = heads[record];
    if ((head & 3) === ESCAPE) {
      const kind = head >>> 2;
      if (kind === RUN_FETCH) {
        lastCode += pages.signed();
        head = slotOf(lastCode) << 2;
        expected[head] = lastCode + cpu.context;
      } else {
        lastData += pages.signed();
        const slot = slotOf(lastData) << 2;
        head = slot | kind;
        expected[slot | RUN_READ] = lastData + cpu.context;
        expected[slot | RUN_WRITE] = lastData + cpu.context;
      }
    }
    const page = vpn(expected[head] - cpu.context);
    const kind = head & 3;
    if (kind === RUN_FETCH) places[head] = cpu.fetch(page, 1);
    else if (kind === RUN_READ) places[head] = cpu.load(page, 1);
    else places[head] = cpu.store(page, 1);
  }
  const counters = cpu.counters.values;
  counters[LOADS] += block.loads;
  counters[STORES] += block.stores;
  counters[FETCHES] += block.instructions;
}
