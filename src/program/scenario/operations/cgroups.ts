/** Memory cgroups under the names of either version, and the kernel's log. */
import type { MemCgroup } from '../../../kernel/cgroup/mem-cgroup.ts';
import { errnoName } from '../../../kernel/errno.ts';
import { CAUSE_IDLE } from '../../../kernel/time/clock.ts';
import { groupStatV1, groupStatV2 } from '../group-stat.ts';
import { machineOperation, processOperation } from '../operation.ts';
import type { Scene } from '../scene.ts';
import { parseSize } from '../size.ts';
import type { Words } from '../words.ts';

/** `settle` waits until the kernel has added up its statistics, which it does every two seconds. */
const SETTLE_NS = 2_300_000_000;

/** The kernel's log names groups below the run's own folder. */
const LOG_PREFIX = 'oracle_';
/** The name of the hierarchy's root. */
const ROOT = 'root';

export function groupNamed(scene: Scene, name: string, words: Words): MemCgroup {
  const group = scene.groups.get(name) ?? (name === ROOT ? scene.kernel.cgroups.root : undefined);
  return group ?? words.fail(`no cgroup "${name}" was made; \`cgroup ${name}\` makes it`);
}

/** Sizes may be written with K, M, G and p; `=TEXT` is written as it stands. */
function fileText(text: string): string {
  if (text.startsWith('=')) return text.slice(1);
  const size = /^[0-9]/.test(text) ? parseSize(text) : undefined;
  return size === undefined ? text : String(size);
}

/** Options of version 1, the files that they write, and the key that tells of an error. */
const V1_SETTINGS = [
  ['swappiness', 'memory.swappiness'],
  ['limit', 'memory.limit_in_bytes'],
  ['memsw', 'memory.memsw.limit_in_bytes'],
  ['oom_disable', 'memory.oom_control'],
] as const;
/** Those of version 2 are named like their files; `limit` stands for `max`. */
const V2_SETTINGS = ['limit', 'max', 'high', 'low', 'min', 'swap.max', 'swap.high', 'oom.group'].map(
  (option) => [option, option === 'limit' ? 'memory.max' : `memory.${option}`] as const,
);
const ALL_OPTIONS = [...new Set([...V1_SETTINGS, ...V2_SETTINGS].map(([option]) => option))];

export const cgroup = machineOperation(
  `cgroup G ${ALL_OPTIONS.map((option) => `[${option}=]`).join(' ')} [parent=]`,
  (words) => ({
    name: words.operand(0),
    parent: words.option('parent'),
    settings: new Map(ALL_OPTIONS.map((option) => [option, words.option(option)])),
    words,
  }),
  (scene, { name, parent, settings, words }, answer) => {
    const { cgroups, cgroupTree } = scene.kernel;
    const above = parent === undefined ? cgroups.root : groupNamed(scene, parent, words);
    const isV2 = cgroups.version === 2;
    if (isV2) {
      const error = cgroupTree.write(above, 'cgroup.subtree_control', '+memory');
      if (error < 0) answer.parent_errno = errnoName(-error);
    }
    const group = cgroupTree.mkdir(parent === undefined ? `${LOG_PREFIX}${name}` : name, above);
    if (typeof group === 'number') {
      answer.errno = errnoName(-group);
      return;
    }
    scene.groups.set(name, group);
    for (const [option, file] of isV2 ? V2_SETTINGS : V1_SETTINGS) {
      const value = settings.get(option);
      const error = value === undefined ? 0 : cgroupTree.write(group, file, fileText(value));
      if (error < 0) answer[`${option}_errno`] = errnoName(-error);
    }
  },
);

export const cgrm = machineOperation(
  'cgrm G',
  (words) => ({ name: words.operand(0), words }),
  (scene, { name, words }, answer) => {
    const error = scene.kernel.cgroupTree.rmdir(groupNamed(scene, name, words));
    if (error < 0) answer.errno = errnoName(-error);
    else scene.groups.delete(name);
  },
);

export const cgopen = machineOperation(
  'cgopen F G FILE',
  (words) => ({ name: words.operand(0), group: words.operand(1), file: words.operand(2), words }),
  (scene, { name, group, file, words }, answer) => {
    const opened = scene.kernel.cgroupTree.open(groupNamed(scene, group, words), file);
    if (typeof opened === 'number') answer.errno = errnoName(-opened);
    else scene.groupFiles.set(name, opened);
  },
);

export const cgset = machineOperation(
  'cgset G [FILE] [VALUE...] [swappiness=]',
  (words) => {
    const swappiness = words.option('swappiness');
    const more = swappiness === undefined ? [] : [`swappiness=${swappiness}`];
    return { name: words.operand(0), words: [...words.operandsFrom(1)], more, line: words };
  },
  (scene, { name, words, more, line }, answer) => {
    const opened = words.length === 1 ? scene.groupFiles.get(name) : undefined;
    if (opened !== undefined) {
      opened.write();
      return;
    }
    const [file, first, ...rest] = words;
    if (file === undefined || first === undefined)
      line.fail('a file and a value are missing; usage: cgset G FILE VALUE');
    const text = [fileText(first), ...rest, ...more].join(' ');
    const error = scene.kernel.cgroupTree.write(groupNamed(scene, name, line), file, text);
    if (error < 0) answer.errno = errnoName(-error);
  },
);

export const cgget = machineOperation(
  'cgget G [FILE]',
  (words) => ({ name: words.operand(0), file: words.optional(1), words }),
  (scene, { name, file, words }, answer) => {
    const text =
      file === undefined
        ? (scene.groupFiles.get(name)?.read() ?? words.fail(`no file "${name}" was opened`))
        : scene.kernel.cgroupTree.read(groupNamed(scene, name, words), file);
    const isV2 = scene.kernel.cgroups.version === 2;
    if (typeof text === 'number') {
      answer.errno = errnoName(-text);
      return;
    }
    const value = text.replace(/\n$/, '');
    answer.value = value;
    if (isV2 && /^\d+$/.test(value)) answer.n = Number(value);
  },
);

export const cgstat = machineOperation(
  'cgstat G [settle]',
  (words) => ({ name: words.operand(0), settle: words.has('settle'), words }),
  (scene, { name, settle, words }, answer) => {
    const { kernel } = scene;
    const group = groupNamed(scene, name, words);
    if (settle) kernel.clock.sleep(SETTLE_NS, CAUSE_IDLE);
    kernel.groupStats.flush();
    Object.assign(answer, kernel.cgroups.version === 2 ? groupStatV2(kernel, group) : groupStatV1(kernel, group));
  },
);

export const joinCgroup = processOperation(
  'cgroup G',
  (words) => ({ name: words.operand(0), words }),
  ({ task }, { name, words }, answer, scene) => {
    const error = scene.kernel.cgroupTree.attach(task.process, groupNamed(scene, name, words));
    if (error < 0) answer.move_errno = errnoName(-error);
  },
);

/** The kernel's log since the last look, the scenario's own processes named instead of numbered. */
export const dmesg = machineOperation(
  'dmesg [skip] [raw]',
  (words) => ({ skip: words.has('skip'), raw: words.has('raw') }),
  (scene, { skip }, answer) => {
    const lines = scene.newLogLines();
    if (!skip) answer.kmsg = lines;
  },
);
