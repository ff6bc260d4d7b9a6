/**
 * Strips what stands before and around a kernel's line: mail quoting, colours, and the prefixes of dmesg, journalctl,
 * syslog, kmsg, kubectl, docker and talosctl. Nothing here knows what an OOM report is.
 */

/** A line of a log without its wrapping. */
export interface BareLine {
  readonly text: string;
  /** Whether there was a prefix of a log, which tells the beginning of a line from the rest of a hard-wrapped one. */
  readonly prefixed: boolean;
  /** Host and printing task where the prefix names them: reports of different sources are not mixed. */
  readonly source: string;
  /** Seconds since boot, where printed. */
  readonly time: number | undefined;
}

const ESCAPE = String.fromCharCode(27);
const ANSI = new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]|\\^\\[\\[[0-9;]*m`, 'g');

/** Mail quoting and indentation, which say nothing about where a line begins. */
const QUOTE = /^[\s>\uFEFF]+/;

/** The prefixes, each tried at the start until none fits. A named group `host` or `task` is a source, `time` a time. */
const PREFIXES: readonly RegExp[] = [
  // [  123.456789]  [  +0.000003]  [2-3219.1870]  [Mi Mär 13 11:16:48 2024]: a bracket with a decimal or a clock in it.
  /^\[(?:\s*(?<time>\d+\.\d+)|[^\][\n]{0,50}?\d[:.]\d[^\][\n]{0,50})\](?::\s?|\s)?/,
  // The printing task or CPU (CONFIG_PRINTK_CALLER).
  /^\[\s*(?<task>[TC]\d+)\]\s?/,
  /^<\d{1,3}>(?:\d\s)?/,
  // kmsg: priority, sequence number, microseconds, flags.
  /^\d+,\d+,\d+,[^;\s]*;/,
  // talosctl dmesg, dmesg -x.
  /^(?:(?<host>[\w.:-]+):\s+)?kern\s*:\s*\w+\s*:\s*/,
  /^(?:(?<host>[\w.:-]+):\s+)kern:\s*/,
  // Any syslog: whatever stands before `kernel:`, the host last.
  /^(?:[^[\n]{0,140}?\s)?(?:(?<host>[\w.-]+)\s)?kernel(?:\[\d+\])?:\s?/,
  // The same of another program, or without its name: not the rest of a kernel's line, whatever it says.
  /^\S{1,12}\s+\d{1,2}\s+\d\d:\d\d:\d\d\s+(?<host>[\w.-]+)\s+/,
  /^\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d(?::\d\d)?\S*\s+/,
  /^\[(?<host>[\w.-]+\/[^\]\n]{1,200})\]\s/,
  /^(?<host>[\w.-]{1,60})\s+\|\s/,
];

const UPTIME = /\[\s*\d+\.\d{6}\]/;
/** Console output glued to the next line, or newlines lost: a line goes on until the next time stamp. */
const GLUED = /(?=(?:<\d>)?\[\s*\d+\.\d{6}\])/;

/** Takes the wrapping off one line; more than one comes back where newlines had been lost. */
export function unwrap(line: string): BareLine[] {
  let text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.includes(ESCAPE) || text.includes('^[[')) text = text.replace(ANSI, '');
  const first = text.search(UPTIME);
  if (first < 0 || (first < 150 && text.search(GLUED) <= first && !UPTIME.test(text.slice(first + 1)))) {
    return [unwrapOne(text)];
  }
  const pieces = text.split(GLUED);
  // What stands before the first stamp is its prefix, unless another line follows and has its own.
  return pieces.length === 1 ? [unwrapOne(text)] : joinHead(pieces).map(unwrapOne);
}

function joinHead(pieces: readonly string[]): string[] {
  const [head = '', second = '', ...more] = pieces;
  return UPTIME.test(head) ? [...pieces] : [head + second, ...more];
}

function unwrapOne(line: string): BareLine {
  let text = line;
  let prefixed = false;
  let host = '';
  let task = '';
  let time: number | undefined;
  for (;;) {
    const quote = QUOTE.exec(text);
    if (quote !== null && quote[0].length > 0) text = text.slice(quote[0].length);
    const match = firstMatch(text);
    if (match === undefined) break;
    prefixed = true;
    text = text.slice(match[0].length);
    const { groups } = match;
    host = groups?.host ?? host;
    task = groups?.task ?? task;
    if (groups?.time !== undefined) time = Number(groups.time);
  }
  // A prefix of an unknown kind, or a console's text, ends where the kernel's time stamp does.
  const stamp = prefixed && time !== undefined ? null : UPTIME.exec(text);
  if (stamp !== null && stamp.index < 150) {
    const rest = unwrapOne(text.slice(stamp.index));
    return { ...rest, source: rest.source === '/' ? `${host}/` : rest.source };
  }
  return { text: text.trimEnd(), prefixed, source: `${host}/${task}`, time };
}

function firstMatch(text: string): RegExpExecArray | undefined {
  for (const prefix of PREFIXES) {
    const match = prefix.exec(text);
    if (match !== null && match[0].length > 0) return match;
  }
  return undefined;
}
