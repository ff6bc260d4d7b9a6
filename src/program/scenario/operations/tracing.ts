/** `trace on EVENTS` and `trace off`: the kernel's tracepoints, in the words of /sys/kernel/tracing/trace. */
import { printEvent } from '../../../kernel/trace/print.ts';
import { tracepointsNamed } from '../../../kernel/tracepoints.ts';
import { machineOperation } from '../operation.ts';

const ON_OR_OFF: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['off', false],
]);

/** Lines that an answer has at most, unless `max=` says otherwise. */
const MOST_LINES = 400;

/** `kmem/rss_stat`, `kmem:rss_stat`, or a whole system, `kmem`. */
function pattern(name: string): string {
  const full = name.replace('/', ':');
  return full.includes(':') ? full : `${full}:*`;
}

/** Inode and frame numbers are another machine's: the oracle leaves them out too. */
const withoutNumbers = (line: string): string => line.replace(/\bino [0-9a-f]+ |\bpfn=0x[0-9a-f]+ ?/g, '');

export const trace = machineOperation(
  'trace SWITCH [EVENTS] [max=] [with=]',
  (words) => ({
    on: words.choice(words.operand(0), ON_OR_OFF, 'switch'),
    names: (words.operandsFrom(1)[0] ?? '').split(',').filter((name) => name !== ''),
    max: words.size('max') ?? MOST_LINES,
    only: words.option('with'),
  }),
  (scene, { on, names, max, only }, answer) => {
    const { trace: log } = scene.kernel;
    if (on) {
      if (log.on) {
        answer.trace_error = 'events are being written already';
        return;
      }
      const points: number[] = [];
      for (const name of names) {
        try {
          points.push(...tracepointsNamed(pattern(name)));
        } catch {
          answer.trace_error = name;
        }
      }
      scene.traced = [];
      log.start((rows) => {
        for (let row = 0; row < rows.count; row++) {
          if (rows.pid[row] === 0) continue;
          const args = rows.args.map((column) => column[row] as number);
          scene.traced.push(printEvent(rows.point[row] as number, args, (id) => log.strings[id] ?? ''));
        }
      }, points);
      return;
    }
    if (scene.traced.length === 0 && !log.on) return;
    log.stop();
    const lines = scene.traced.map(withoutNumbers).map((line) => line.trimEnd());
    const wanted = only === undefined || only === 'all' ? lines : lines.filter((line) => line.includes(only));
    answer.trace = wanted.slice(0, max);
    scene.traced = [];
  },
);
