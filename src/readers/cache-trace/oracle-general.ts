/**
 * libCacheSim's oracleGeneral format: records of 24 bytes, little endian, without a header.
 *
 *     0 u32 time in seconds    4 u64 object    12 u32 size in bytes    16 i64 next access: number of the request that
 *     asks for the object next, -1 or the largest number when none does
 *
 * A record of size 0 asks for nothing and is passed over, as libCacheSim does.
 */
import { NEVER, type RequestBuffer } from '../../program/cache/request-buffer.ts';
import type { Damage } from './trace-error.ts';
import type { TraceReader } from './trace-reader.ts';

const RECORD = 24;
const LARGEST = 0x7fffffff;

export class OracleGeneralReader implements TraceReader {
  /** Records so far, good and bad. */
  #records = 0;
  /** The beginning of a record whose end has not come yet. */
  readonly #rest = new Uint8Array(RECORD);
  #restLength = 0;
  /** Time of the first record, in seconds. */
  #start: number | undefined;
  readonly #requests: RequestBuffer;
  readonly #damage: Damage;

  constructor(requests: RequestBuffer, damage: Damage) {
    this.#requests = requests;
    this.#damage = damage;
  }

  push(bytes: Uint8Array): void {
    let start = 0;
    if (this.#restLength > 0) {
      start = Math.min(RECORD - this.#restLength, bytes.length);
      this.#rest.set(bytes.subarray(0, start), this.#restLength);
      this.#restLength += start;
      if (this.#restLength < RECORD) return;
      this.#records += this.#read(this.#rest, 0, RECORD);
    }
    const end = bytes.length - ((bytes.length - start) % RECORD);
    this.#records += this.#read(bytes, start, end);
    this.#rest.set(bytes.subarray(end));
    this.#restLength = bytes.length - end;
  }

  end(): void {
    if (this.#restLength > 0) {
      this.#damage.found(
        `record ${this.#records + 1}`,
        `the file ends after ${this.#restLength} of its ${RECORD} bytes`,
      );
    }
    this.#requests.flush();
  }

  /** Every request is a read of its object. @param seconds as the record has them */
  #call(seconds: number): void {
    this.#start ??= seconds;
    this.#requests.setTime((seconds - this.#start) * 1e9);
    this.#requests.addObjectCall(false);
  }

  /** Decodes the whole records between two offsets. @returns how many */
  #read(bytes: Uint8Array, start: number, end: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const requests = this.#requests;
    let record = this.#records;
    for (let at = start; at < end; at += RECORD, record++) {
      const nextHigh = view.getInt32(at + 20, true);
      const nextLow = view.getUint32(at + 16, true);
      let next = nextHigh * 2 ** 32 + nextLow;
      if (next === -1 || (nextHigh === LARGEST && nextLow === 2 ** 32 - 1)) {
        next = NEVER;
      } else if (next <= record) {
        this.#damage.found(`record ${record + 1}`, `its next access, ${next}, is no later request`);
        continue;
      }
      if (view.getUint32(at + 12, true) === 0) continue;
      if (requests.calls !== undefined) this.#call(view.getUint32(at, true));
      requests.add(view.getInt32(at + 4, true), view.getInt32(at + 8, true), next);
    }
    return record - this.#records;
  }
}

/** Whether some bytes are whole records with a size and a next access that can be. */
export function beginsWithRecords(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const records = Math.floor(head.length / RECORD);
  for (let record = 0; record < records; record++) {
    const at = record * RECORD;
    const next = view.getInt32(at + 20, true) * 2 ** 32 + view.getUint32(at + 16, true);
    if (view.getUint32(at + 12, true) === 0 || (next <= record && next !== -1)) return false;
  }
  return records > 0;
}
