/** meminfo, vmstat, and the passing of time. */
import { machineOperation } from '../operation.ts';

export const meminfo = machineOperation(
  'meminfo KEY...',
  (words) => words.operandsFrom(0),
  (scene, keys, answer) => {
    const all = scene.meminfo();
    for (const key of keys) answer[key] = all[key] ?? -1;
  },
);

const BEGIN_OR_END: ReadonlyMap<string, boolean> = new Map([
  ['begin', true],
  ['end', false],
]);

export const vmstat = machineOperation(
  'vmstat WHEN [keys=]',
  (words) => ({
    begin: words.choice(words.operand(0), BEGIN_OR_END, 'moment'),
    keys: words.option('keys')?.split(','),
  }),
  (scene, { begin, keys }, answer) => {
    if (begin) {
      scene.beginVmstat();
      return;
    }
    const changed = [...scene.endVmstat()].filter(([key, by]) => by !== 0 && !key.startsWith('nr_'));
    const wanted = changed.filter(([key]) => keys === undefined || keys.includes(key));
    answer.delta = { _: 0, ...Object.fromEntries(wanted) };
  },
);

export const sleep = machineOperation(
  'sleep [MS] [ms=]',
  (words) => words.size('ms') ?? words.number(words.operand(0)),
  (scene, ms) => scene.sleep(ms * 1e6),
);

export const drain = machineOperation(
  'drain',
  () => undefined,
  (scene) => scene.drain(),
);

/** How long an operation may block; nothing blocks while no limit makes a process wait. */
export const timeout = machineOperation(
  'timeout MS',
  (words) => words.number(words.operand(0)),
  () => {},
);

export const note = machineOperation(
  'note [TEXT...]',
  () => undefined,
  () => {},
);
