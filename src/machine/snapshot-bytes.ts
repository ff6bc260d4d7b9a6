/** A snapshot's bytes are broken, cut off, or of another version. */
export class SnapshotError extends Error {
  override name = 'SnapshotError';
}

/** Bytes that grow as they are written. Numbers are little-endian. */
export class ByteSink {
  #bytes = new Uint8Array(1 << 12);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer from 0 to 2^53-1, seven bits a byte, lowest first. */
  count(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  float(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length in UTF-16 code units and each of them: a name is a byte a letter, and any string comes back as it was. */
  string(text: string): void {
    this.count(text.length);
    for (let i = 0; i < text.length; i++) this.count(text.charCodeAt(i));
  }

  /** What was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Reads what a ByteSink wrote; every read beyond the end is a SnapshotError. */
export class ByteSource {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  fail(what: string): never {
    throw new SnapshotError(`byte ${this.#at} of the snapshot: ${what}`);
  }

  #need(bytes: number): void {
    if (this.left < bytes) this.fail('it is cut off here');
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++] as number;
  }

  count(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : this.fail('a count is too large');
    }
    return this.fail('a count is too long');
  }

  float(): number {
    this.#need(8);
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  bytes(length: number): Uint8Array {
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  string(): string {
    const length = this.count();
    this.#need(length);
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.count());
    return text;
  }
}
