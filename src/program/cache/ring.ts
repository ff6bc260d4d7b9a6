/** A queue of objects, first in, first out, with room for a fixed number of them. */
export class Ring {
  length = 0;
  readonly #objects: Int32Array;
  /** Where the oldest object is. */
  #first = 0;

  constructor(room: number) {
    this.#objects = new Int32Array(room);
  }

  /** Appends an object. There must be room. */
  push(object: number): void {
    const room = this.#objects.length;
    const at = this.#first + this.length++;
    this.#objects[at < room ? at : at - room] = object;
  }

  /** Takes the oldest object out. There must be one. */
  shift(): number {
    const object = this.#objects[this.#first];
    if (++this.#first === this.#objects.length) this.#first = 0;
    this.length--;
    return object;
  }
}
