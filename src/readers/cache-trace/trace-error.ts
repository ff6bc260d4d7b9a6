/** A record or line of a trace that is none. `message` is one sentence and names the place: "line 7: ...". */
export class CacheTraceError extends Error {
  override readonly name = 'CacheTraceError';
}

/**
 * What happens to damage: the first one ends the reading, or it is counted and passed over.
 */
export class Damage {
  count = 0;
  readonly #skip: boolean;

  constructor(skip: boolean) {
    this.#skip = skip;
  }

  /** @param where "line 7" or "record 7" @throws {CacheTraceError} unless damage is skipped */
  found(where: string, what: string): void {
    if (!this.#skip) throw new CacheTraceError(`${where}: ${what}`);
    this.count++;
  }
}
