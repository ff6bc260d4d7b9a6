const decoder = new TextDecoder();

/** Numbers names (of files, volumes, keys) in order of first appearance. Grows with their number, not with the trace. */
export class NameNumbers {
  readonly #numbers = new Map<string, number>();
  #last = new Uint8Array(0);
  #lastNumber = -1;

  /** @returns the name's number, from 0 */
  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(name, number);
    }
    return number;
  }

  /** The same for a name in the bytes of a line; quick when it is the same as the last time. */
  numberOf(text: Uint8Array, start: number, end: number): number {
    if (!this.#isLast(text, start, end)) {
      this.#last = text.slice(start, end);
      this.#lastNumber = this.number(decoder.decode(this.#last));
    }
    return this.#lastNumber;
  }

  #isLast(text: Uint8Array, start: number, end: number): boolean {
    const last = this.#last;
    if (this.#lastNumber < 0 || last.length !== end - start) return false;
    for (let i = 0; i < last.length; i++) if (text[start + i] !== last[i]) return false;
    return true;
  }
}
