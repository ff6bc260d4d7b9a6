const DAY = 86_400;
/** Seconds since 1970 are more than these in every trace, seconds since the last call never. */
const EPOCH = 1e8;

/** Turns the times that strace prints into nanoseconds since the first one: -t, -tt, -ttt and -r. */
export class StraceClock {
  #start = Number.NaN;
  #seconds = 0;

  /** @param text what stands in front of a line; '' leaves the time as it is @returns nanoseconds since the first line */
  read(text: string): number {
    if (text === '') return this.#seconds * 1e9;
    const parts = text.split(':').map(Number);
    const value = parts.reduce((sum, part) => sum * 60 + part, 0);
    if (Number.isNaN(value)) return this.#seconds * 1e9;
    if (parts.length === 1 && value < EPOCH) {
      this.#seconds += value;
      return this.#seconds * 1e9;
    }
    if (Number.isNaN(this.#start)) this.#start = value;
    let since = value - this.#start;
    // A time of day begins anew at midnight.
    while (parts.length > 1 && since < this.#seconds - DAY / 2) since += DAY;
    this.#seconds = since;
    return since * 1e9;
  }
}
