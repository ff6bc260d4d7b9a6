import { LARGEST_FILE } from '../../program/cache/calls.ts';
import type { RequestBuffer } from '../../program/cache/request-buffer.ts';

const PAGE = 4096;
/** Block traces begin at sectors, and 2^53 bytes are 2^44 of them. */
const SECTOR = 512;
const MAX_VOLUMES = 2 ** 20;
/** One request reads less; a damaged size must not become a million requests. */
const MAX_BYTES = 2 ** 31;

/** Turns a request for bytes of a volume or file into requests for its pages, or keeps it whole. */
export class ByteRanges {
  readonly #requests: RequestBuffer;
  readonly #whole: boolean;

  /** @param whole one request a range, for the block that begins where the range does */
  constructor(requests: RequestBuffer, whole: boolean) {
    this.#requests = requests;
    this.#whole = whole;
  }

  /**
   * @param volume number of the volume or file
   * @param offset bytes
   * @param size bytes; 0 asks for nothing
   * @param stream number of the open file, from 1, where the trace tells one from the other
   * @returns why it cannot be, or undefined when it is done
   */
  add(volume: number, offset: number, size: number, isWrite: boolean, stream?: number): string | undefined {
    if (volume >= MAX_VOLUMES) return `there are more than ${MAX_VOLUMES} volumes or files`;
    if (size > MAX_BYTES) return `a request of ${size} bytes is larger than any system allows`;
    if (size === 0) return undefined;
    if (this.#whole) {
      this.#requests.addObjectCall(isWrite);
      this.#requests.addBlock(volume, Math.floor(offset / SECTOR));
      return undefined;
    }
    if (this.#requests.calls !== undefined && offset + size > LARGEST_FILE)
      return `byte ${offset + size} is behind the end of the largest disk of the policy linux, ${LARGEST_FILE}`;
    this.#requests.addCall(volume, offset, size, isWrite, stream);
    const last = Math.floor((offset + size - 1) / PAGE);
    for (let page = Math.floor(offset / PAGE); page <= last; page++) this.#requests.addBlock(volume, page);
    return undefined;
  }
}
