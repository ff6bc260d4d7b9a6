/** What a line of an OOM report says, found by its words, wherever in the line they stand (mm/oom_kill.c, mm/show_mem.c). */

export type LineKind =
  | 'invoked'
  | 'constraint'
  | 'chosen'
  | 'killed'
  | 'group'
  | 'reaper'
  | 'nobody'
  | 'panic'
  | 'header'
  | 'row'
  | 'cpu'
  | 'limit'
  | 'taskIn'
  | 'stats'
  | 'stat'
  | 'node'
  | 'zone'
  | 'buddy'
  | 'counters'
  | 'pages'
  | 'swap'
  | 'hugepages'
  | 'cpuset';

/** A line of the kernel, put together again from the pieces that a mailer or a terminal had cut it into. */
export interface LogLine {
  /** The pieces with a space between them, as after a wrap at a blank. */
  readonly text: string;
  /** The pieces with nothing between them, as after a wrap within a word. */
  readonly tight: string;
  readonly source: string;
  readonly time: number | undefined;
}

/** Most lines of a report are these, whole, and can be nothing else. */
const WHOLE_ROW = /^\[\s*\d+\]\s+\d+\s+\d+\s+\d+\s+\d+/;
const WHOLE_STAT = /^[a-z][a-z0-9_]+ \d+$/;

/** Tried in this order; the first that fits names the line. */
const KINDS: readonly (readonly [LineKind, RegExp])[] = [
  ['invoked', /(?:^|[^\s"'(]\s+)invoked\s*oom-killer(?!['"])/],
  ['constraint', /oom-kill:\s*constraint=/],
  ['chosen', /Kill\s*process\s*\d+\s*\(.*?\)\s*score/],
  ['killed', /Killed\s*process\s*\d+/],
  ['group', /are going to be killed due to memory\.oom\.group/],
  ['reaper', /oom_reaper: /],
  // Not the kernel's source, which mails quote.
  ['nobody', /(?<!")Out of memory and no killable processes/],
  ['panic', /Kernel panic - not syncing: (?:Out of memory|System is deadlocked)/],
  ['header', /\bpid\s*\].*\btotal_vm\b/],
  ['row', /\[\s*\d+\]\s+\d+\s+\d+\s+\d+\s+\d+/],
  ['cpu', /CPU: \d+.*\bPID: \d+ Comm: |\bPid: \d+, comm: /],
  ['limit', /\b(?:memory|memory\+swap|kmem|swap): usage \d+kB, limit/],
  ['taskIn', /Task in \S+ killed as a result of limit of \S+/],
  ['stats', /Memory cgroup stats(?: for)?/],
  ['stat', /^[a-z][a-z0-9_]+ \d+$/],
  ['node', /Node \d+ active_anon:\d+kB/],
  ['zone', /(?:^|\s)\w+ free:\d+kB\s.*?min:\d+kB/],
  ['buddy', /:(?:\s*\d+\*\d+kB(?: \(\w+\))?){4}/],
  [
    'counters',
    /(?:^|\s)(?:active_anon|active_file|unevictable|slab_reclaimable|mapped|free|sec_pagetables|kernel_misc_reclaimable|free_cma|dirty):\d+(?![\dkK])/,
  ],
  ['pages', /\b\d+ (?:pages (?:RAM|HighMem|reserved|cma reserved|in swap cache|hwpoisoned)|total pagecache pages)/],
  ['swap', /\b(?:Free|Total) swap\s*=/],
  ['hugepages', /hugepages_total=\d+/],
  ['cpuset', /\bcpuset=\S+ mems_allowed=/],
];

/** The kind of a line, or undefined when it is none of an OOM report's. */
export function kindOf({ text, tight }: LogLine): LineKind | undefined {
  return kindOfText(text) ?? (tight.length === text.length ? undefined : kindOfText(tight));
}

/** The same for a line that is not wrapped. */
export function kindOfText(text: string): LineKind | undefined {
  if (WHOLE_ROW.test(text)) return 'row';
  if (WHOLE_STAT.test(text)) return 'stat';
  for (const [kind, pattern] of KINDS) if (pattern.test(text)) return kind;
  return undefined;
}

/** The first capture of a pattern, in whichever way of joining the pieces it is found. */
export function capture(line: LogLine, pattern: RegExp): string | undefined {
  return (pattern.exec(line.text) ?? pattern.exec(line.tight))?.[1];
}

/** capture() as a number. */
export function captureNumber(line: LogLine, pattern: RegExp): number | undefined {
  const digits = capture(line, pattern);
  return digits === undefined ? undefined : Number(digits);
}
