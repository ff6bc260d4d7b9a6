/** How often a call answered otherwise than in the recording, and how it did the first time. */
export interface Mismatch {
  count: number;
  readonly first: string;
}

/** What the simulated kernel answered otherwise than the real one, by system call. */
export class Mismatches {
  readonly #byCall = new Map<string, Mismatch>();

  add(call: string, how: string): void {
    const known = this.#byCall.get(call);
    if (known === undefined) this.#byCall.set(call, { count: 1, first: how });
    else known.count++;
  }

  get rows(): [string, Mismatch][] {
    return [...this.#byCall];
  }

  save(): [string, Mismatch][] {
    return structuredClone(this.rows);
  }

  restore(rows: readonly (readonly [string, Mismatch])[]): void {
    this.#byCall.clear();
    for (const [call, mismatch] of rows) this.#byCall.set(call, { ...mismatch });
  }
}
