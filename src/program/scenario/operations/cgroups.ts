/** Memory cgroups under their names of version 1, and the kernel's log. */
import type { MemCgroup } from '../../../kernel/cgroup/mem-cgroup.ts';
import { memoryStatOf } from '../../../kernel/cgroup/memory-stat.ts';
import { readV1, writeV1 } from '../../../kernel/cgroup/v1-files.ts';
import { errnoName } from '../../../kernel/errno.ts';
import { CAUSE_IDLE } from '../../../kernel/time/clock.ts';
import type { Answer } from '../answer.ts';
import { machineOperation, processOperation } from '../operation.ts';
import { quoted } from '../quoted.ts';
import type { Scene } from '../scene.ts';
import { parseSize } from '../size.ts';
import type { Words } from '../words.ts';

const PAGE = 4096;

/** `settle` waits until the kernel has added up its statistics, which it does every two seconds. */
const SETTLE_NS = 2_300_000_000;

/** The kernel's log names groups below the run's own folder. */
const LOG_PREFIX = 'oracle_';

export function groupNamed(scene: Scene, name: string, words: Words): MemCgroup {
  return scene.groups.get(name) ?? words.fail(`no cgroup ${quoted(name)} was made; \`cgroup NAME\` makes one`);
}

/** Writes a file of a group; sizes may be written with K, M, G and p. */
function write(scene: Scene, group: MemCgroup, file: string, value: string): number {
  const size = /^[0-9]/.test(value) ? parseSize(value) : undefined;
  return writeV1(scene.cgroupFiles, group, file, size === undefined ? value : String(size));
}

const SETTINGS = [
  ['swappiness', 'memory.swappiness', 'swappiness_errno'],
  ['limit', 'memory.limit_in_bytes', 'limit_errno'],
  ['memsw', 'memory.memsw.limit_in_bytes', 'memsw_errno'],
  ['oom_disable', 'memory.oom_control', 'oom_errno'],
] as const;

export const cgroup = machineOperation(
  'cgroup G [limit=] [memsw=] [swappiness=] [oom_disable=] [parent=]',
  (words) => ({
    name: words.operand(0),
    parent: words.option('parent'),
    settings: SETTINGS.map(([option]) => words.option(option)),
    words,
  }),
  (scene, { name, parent, settings, words }, answer) => {
    const above = parent === undefined ? undefined : groupNamed(scene, parent, words);
    const group = scene.kernel.cgroups.create(above === undefined ? `${LOG_PREFIX}${name}` : name, above);
    if (group === undefined) {
      answer.errno = 'ENOMEM';
      return;
    }
    scene.groups.set(name, group);
    SETTINGS.forEach(([, file, key], i) => {
      const value = settings[i];
      const error = value === undefined ? 0 : write(scene, group, file, value);
      if (error < 0) answer[key] = errnoName(-error);
    });
  },
);

export const cgset = machineOperation(
  'cgset G FILE VALUE',
  (words) => ({ name: words.operand(0), file: words.operand(1), value: words.operand(2), words }),
  (scene, { name, file, value, words }, answer) => {
    const error = write(scene, groupNamed(scene, name, words), file, value);
    if (error < 0) answer.errno = errnoName(-error);
  },
);

export const cgget = machineOperation(
  'cgget G FILE',
  (words) => ({ name: words.operand(0), file: words.operand(1), words }),
  (scene, { name, file, words }, answer) => {
    const text = readV1(scene.cgroupFiles, groupNamed(scene, name, words), file);
    answer.value = typeof text === 'number' ? '' : text.replace(/\n$/, '');
  },
);

export const cgstat = machineOperation(
  'cgstat G [settle]',
  (words) => ({ name: words.operand(0), settle: words.has('settle'), words }),
  (scene, { name, settle, words }, answer) => {
    const group = groupNamed(scene, name, words);
    if (settle) scene.kernel.clock.sleep(SETTLE_NS, CAUSE_IDLE);
    scene.kernel.groupStats.flush();
    answer.memstat = memstat(memoryStatOf(scene.kernel, group));
    answer.usage_p = group.memory.usage;
    answer.max_usage_p = group.memory.watermark;
    answer.memsw_usage_p = group.memsw.usage;
    answer.kmem_usage_p = group.kmem.usage;
    answer.failcnt = group.memory.failcnt;
    answer.memsw_failcnt = group.memsw.failcnt;
    answer.oom_kill = group.oomKills;
    answer.under_oom = Number(group.underOom);
  },
);

/** Sizes in pages under `NAME_p`, events as they are, nothing for a zero: as the oracle prints memory.stat. */
function memstat(stat: Record<string, number>): Answer {
  const shown: Answer = { _: 0 };
  for (const [key, value] of Object.entries(stat)) {
    if (value === 0) continue;
    const isSize = value % PAGE === 0 && !key.startsWith('pg') && !key.startsWith('work');
    if (isSize) shown[`${key}_p`] = value / PAGE;
    else shown[key] = value;
  }
  return shown;
}

export const joinCgroup = processOperation(
  'cgroup G',
  (words) => ({ name: words.operand(0), words }),
  ({ task }, { name, words }, _answer, scene) => {
    task.mm.memcg = groupNamed(scene, name, words).id;
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
