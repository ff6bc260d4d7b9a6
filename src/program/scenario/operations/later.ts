/**
 * Operations whose subsystem the machine does not have yet: cgroup limits, tracing, the kernel log. They are read
 * and checked as all others, and their answers say what is missing; nothing is made up.
 */
import { machineOperation, processOperation } from '../operation.ts';
import type { Words } from '../words.ts';

const accepted = (): undefined => undefined;

const missing = (usage: string, what: string) =>
  machineOperation(usage, accepted, (_scene, _none, answer) => {
    answer.unsupported = what;
  });

export const trace = missing('trace SWITCH [EVENTS] [max=] [with=]', 'trace');
export const dmesg = missing('dmesg [skip] [raw]', 'the kernel log');
export const cgset = missing('cgset G FILE VALUE', 'memory cgroup files');
export const cgget = missing('cgget G FILE', 'memory cgroup files');
export const cgstat = missing('cgstat G [settle]', 'memory cgroup statistics');

/** A group without a limit changes nothing, so it may be made and joined. */
export const cgroup = machineOperation(
  'cgroup G [limit=] [memsw=] [swappiness=] [oom_disable=] [parent=]',
  (words: Words) => ({ name: words.operand(0), limited: words.option('limit') !== undefined }),
  (scene, { name, limited }, answer) => {
    scene.groups.add(name);
    if (limited) answer.unsupported = 'cgroup limits';
  },
);

export const joinCgroup = processOperation(
  'cgroup G',
  (words) => ({ group: words.operand(0), words }),
  (_process, { group, words }, _answer, scene) => {
    if (!scene.groups.has(group)) words.fail(`no cgroup "${group}" was made; \`cgroup ${group}\` makes it`);
  },
);
