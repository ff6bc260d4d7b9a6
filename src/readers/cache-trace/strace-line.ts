/** One line of strace's output, taken apart. */

/** A system call that has returned. */
export interface StraceCall {
  readonly kind: 'call';
  readonly pid: string;
  readonly name: string;
  /** What stands between the parentheses. */
  readonly args: string;
  /** The number returned; -1 when the call failed or never returned ("?"). */
  readonly result: number;
  /** What `-y` says that a returned descriptor is. */
  readonly path: string | undefined;
  /** As -t or -r printed it in front of the line, or ''. */
  readonly time: string;
}

/** The first half of a call that another process' line interrupted. */
interface StraceBegin {
  readonly kind: 'begin';
  readonly pid: string;
  readonly name: string;
  readonly args: string;
}

interface StraceExit {
  readonly kind: 'exit';
  readonly pid: string;
}

/** Signals and strace's own messages. */
interface StraceOther {
  readonly kind: 'other';
}

/** `[pid 12] `, or `12 ` as -o writes it; then a time of day, seconds, or time since the last call, as -t and -r write them. */
const PREFIX = /^(?:\[pid\s+(\d+)\] |(\d+) +(?=[\d:.]+ |\w+\(|<|[+-]))?(?:\s*(\d[\d:.]*) +)?/;
const RETURNED = /^(\w+)\((.*)\)\s*= (-?\d+|0x[0-9a-f]+|\?)(?:<([^>]*)>)?/s;
const INTERRUPTED = /^(\w+)\((.*?)\s*<unfinished \.\.\.>$/s;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/s;
const EXIT = /^\+\+\+ /;
const OTHER = /^(?:---|strace: )/;
/** Without -o, strace's own messages may break into the line that it is printing; what is left of it comes with the next. */
const TORN = /^(.+)strace: Process \d+ attached$/s;
/** What a line begins with that is not the rest of a torn one. */
const BEGIN = /^(?:\[pid|\d|\w+\(|<\.\.\. |\+\+\+|---|strace: )/;
const CALL = /\w\(/;

/** Puts interrupted calls together again; remembers one a process. */
export class StraceLines {
  readonly #begun = new Map<string, string>();
  /** A line without its end. */
  #torn = '';

  /** @returns undefined when the line is none of strace's */
  parse(line: string): StraceCall | StraceBegin | StraceExit | StraceOther | undefined {
    const whole = this.#torn !== '' && !BEGIN.test(line) ? this.#torn + line : line;
    if (whole !== line) this.#torn = '';
    const torn = TORN.exec(whole)?.[1];
    if (torn === undefined || !CALL.test(torn)) return this.#whole(whole);
    this.#torn = torn;
    return { kind: 'other' };
  }

  #whole(line: string): StraceCall | StraceBegin | StraceExit | StraceOther | undefined {
    const prefix = PREFIX.exec(line);
    const pid = prefix?.[1] ?? prefix?.[2] ?? '';
    const time = prefix?.[3] ?? '';
    const text = line.slice(prefix?.[0].length ?? 0).trimEnd();
    if (EXIT.test(text)) return { kind: 'exit', pid };
    if (OTHER.test(text)) return { kind: 'other' };
    const interrupted = INTERRUPTED.exec(text);
    if (interrupted !== null) {
      const [, name, args] = interrupted as unknown as [string, string, string];
      this.#begun.set(pid, `${name}(${args}`);
      return { kind: 'begin', pid, name, args };
    }
    const resumed = RESUMED.exec(text);
    if (resumed === null) return call(pid, time, text);
    const begun = this.#begun.get(pid);
    this.#begun.delete(pid);
    // A trace that was begun in the middle has second halves without a first.
    return begun === undefined ? { kind: 'other' } : call(pid, time, begun + resumed[2]);
  }
}

function call(pid: string, time: string, text: string): StraceCall | StraceOther | undefined {
  const match = RETURNED.exec(text);
  if (match === null) return /^\w+\(.*\)\s*= /s.test(text) ? { kind: 'other' } : undefined;
  const [, name, args, result, path] = match as unknown as [string, string, string, string, string | undefined];
  return { kind: 'call', pid, name, args, result: result === '?' ? -1 : Number(result), path, time };
}
