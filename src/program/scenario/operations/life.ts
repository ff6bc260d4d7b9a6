/** fork, exit, kill, wait, and what a process may set about itself. */
import { EINVAL, EPERM } from '../../../kernel/errno.ts';
import { RLIM_INFINITY } from '../../../kernel/uapi.ts';
import { RESOURCES } from '../flag-names.ts';
import { machineOperation, processOperation } from '../operation.ts';
import { groupNamed } from './cgroups.ts';

const SIGKILL = 9;

export const fork = processOperation(
  'fork CHILD',
  (words) => words.operand(0),
  (process, child, answer, scene) => {
    process.perform(answer, () => scene.fork(process, child), true);
  },
);

export const exit = processOperation(
  'exit [CODE]',
  (words) => words.number(words.optional(0) ?? '0'),
  ({ task }, code, _answer, { kernel }) => kernel.processes.exit(task.process, { exit: code & 0xff }),
);

export const kill = processOperation(
  'kill [SIG]',
  (words) => words.number(words.optional(0) ?? String(SIGKILL)),
  ({ task }, signal, answer, { kernel }) => {
    answer.ret = 0;
    if (signal !== 0) kernel.processes.exit(task.process, { signal });
  },
);

export const wait = processOperation(
  'wait [ms=]',
  (words) => words.size('ms'),
  (process, _ms, answer) => process.collect(answer),
);

export const rlimit = processOperation(
  'rlimit RESOURCE VALUE [hard=]',
  (words) => ({
    resource: words.choice(words.operand(0), RESOURCES, 'resource'),
    soft: words.operand(1) === 'inf' ? RLIM_INFINITY : words.number(words.operand(1)),
    hard: words.size('hard') ?? RLIM_INFINITY,
  }),
  (process, { resource, soft, hard }, answer) => {
    process.perform(answer, () => {
      const { rlimits, credentials } = process.task.process;
      // do_prlimit: the hard limit may be lowered by anyone and raised only with CAP_SYS_RESOURCE.
      if (soft > hard) return -EINVAL;
      if (hard > (rlimits.hard[resource] as number) && !credentials.sysResource) return -EPERM;
      rlimits.soft[resource] = soft;
      rlimits.hard[resource] = hard;
      return 0;
    });
  },
);

export const setuid = processOperation(
  'setuid UID',
  (words) => words.number(words.operand(0)),
  (process, uid, answer) => {
    process.perform(answer, () => {
      const { credentials } = process.task.process;
      if (uid !== credentials.uid && credentials.uid !== 0) return -EPERM;
      // A process that leaves uid 0 behind loses its capabilities (cap_emulate_setxuid).
      const root = uid === 0;
      Object.assign(credentials, { uid, sysAdmin: root, ipcLock: root, sysRawio: root, sysResource: root });
      return 0;
    });
  },
);

const PR_SET_DUMPABLE = 4;
const PR_SET_THP_DISABLE = 41;
const PR_GET_THP_DISABLE = 42;

export const prctl = processOperation(
  'prctl OPTION [ARGUMENT...]',
  (words) => [words.operand(0), ...words.operandsFrom(1)].map((word) => words.number(word)),
  (process, [option, first = 0, ...others], answer) => {
    const { mm } = process.task;
    if (option !== PR_SET_THP_DISABLE && option !== PR_GET_THP_DISABLE && option !== PR_SET_DUMPABLE) {
      answer.unsupported = `prctl ${option}`;
      return;
    }
    process.perform(answer, () => {
      if (option === PR_SET_DUMPABLE) return 0;
      if (others.some((argument) => argument !== 0)) return -EINVAL;
      if (option === PR_GET_THP_DISABLE) return first !== 0 ? -EINVAL : Number(mm.thpDisabled);
      mm.thpDisabled = first !== 0;
      return 0;
    });
  },
);

export const spawn = machineOperation(
  'spawn NAME [cg=]',
  (words) => ({ name: words.operand(0), group: words.option('cg'), words }),
  (scene, { name, group, words }) => {
    const joined = group === undefined ? undefined : groupNamed(scene, group, words);
    if (scene.processes.get(name)?.alive) words.fail(`a process "${name}" lives already`);
    scene.spawn(name, joined);
  },
);
