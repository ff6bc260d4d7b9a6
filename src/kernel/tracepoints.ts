import * as events from './trace/events.ts';
import * as syscalls from './trace/syscalls.ts';

export * from './trace/event-log.ts';
export * from './trace/events.ts';
export * from './trace/syscalls.ts';
export * from './trace/system-call.ts';

/** How a field is printed: hexadecimal, decimal, or the string that its number stands for. */
export type FieldType = 'x' | 'd' | 's';

/** One tracepoint; the place in TRACEPOINTS is its number. */
export interface Tracepoint {
  /** As the folder in /sys/kernel/tracing/events. */
  readonly system: string;
  readonly name: string;
  /** In the order of the argument columns, at most six. */
  readonly fields: readonly { readonly name: string; readonly type: FieldType }[];
}

function tracepoint(system: string, name: string, fields: readonly string[]): Tracepoint {
  return {
    system,
    name,
    fields: fields.map((field) => {
      const [label, type] = field.split(':') as [string, FieldType];
      return { name: label, type };
    }),
  };
}

const lines = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));

/** Every tracepoint by its number. */
export const TRACEPOINTS: readonly Tracepoint[] = [
  ...lines(events.EVENT_LINES).map(([title, ...fields]) => {
    const [system, name] = (title as string).split(':') as [string, string];
    return tracepoint(system, name, fields);
  }),
  ...lines(syscalls.SYSCALL_LINES).flatMap(([name, ...fields]) => [
    tracepoint('syscalls', `sys_enter_${name}`, fields),
    tracepoint('syscalls', `sys_exit_${name}`, ['ret:d']),
  ]),
];

/**
 * The numbers of the tracepoints that a person names: `kmem:rss_stat`, `filemap:*`, `syscalls:*mmap` or `*`,
 * several separated by commas, as perf's -e takes them.
 * @throws RangeError that names a pattern which no tracepoint has
 */
export function tracepointsNamed(patterns: string): number[] {
  const chosen = new Set<number>();
  for (const pattern of patterns.split(',')) {
    const parts = pattern.split('*').map((part) => part.replace(/[^a-z0-9_:]/gi, '\\$&'));
    const shape = new RegExp(`^${parts.join('.*')}$`);
    const matching = TRACEPOINTS.flatMap(({ system, name }, point) => (shape.test(`${system}:${name}`) ? [point] : []));
    if (matching.length === 0) throw new RangeError(`no tracepoint is named ${pattern}`);
    for (const point of matching) chosen.add(point);
  }
  return [...chosen].sort((a, b) => a - b);
}
