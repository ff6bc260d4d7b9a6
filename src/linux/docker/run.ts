/** `docker run`: a process in a group with the limits that were asked for. */
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
import { MEMCG_OOM_KILL } from '../../kernel/cgroup/memory-events.ts';
import { parseSize } from '../../program/scenario/size.ts';
import type { LinuxCommand, Running } from '../command.ts';
import { UsageError } from '../command.ts';
import { limitedGroup } from '../limited-group.ts';
import type { Job, LinuxBox } from '../linux-box.ts';
import { strerror } from '../strerror.ts';
import { type Container, containers, idOf } from './containers.ts';

/** The daemon could not start the container. */
const CANNOT_RUN = 125;
const LEAST_MEMORY = 6 << 20;

interface RunRequest {
  readonly memory: number | undefined;
  readonly memorySwap: number | undefined;
  readonly name: string | undefined;
  readonly remove: boolean;
  readonly words: readonly string[];
}

function bytesOf(option: string, text: string): number {
  const bytes = text === '-1' ? -1 : parseSize(text.replace(/b$/i, '').toUpperCase());
  if (bytes === undefined)
    throw new UsageError(`invalid argument "${text}" for "${option}" flag: invalid size: '${text}'\n`, CANNOT_RUN);
  return bytes;
}

/** Options end at the image. */
function parseRun(args: readonly string[]): RunRequest {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const words = [...args];
  const withValue: Readonly<Record<string, string>> = {
    '-m': '--memory',
    '--memory': '--memory',
    '--memory-swap': '--memory-swap',
    '--name': '--name',
  };
  const withoutValue: Readonly<Record<string, string>> = {
    '--rm': '--rm',
    '-it': '-it',
    '-i': '-it',
    '-t': '-it',
  };
  for (let word = words[0]; word?.startsWith('-'); word = words[0]) {
    words.shift();
    const [option = '', inline] = word.split(/=(.*)/s);
    const named = withValue[option];
    const flag = withoutValue[option];
    if (named !== undefined) values.set(named, inline ?? words.shift() ?? '');
    else if (flag !== undefined) flags.add(flag);
    else if (option === '-d' || option === '--detach')
      throw new UsageError('docker: -d is not modelled: put & behind the line\n', CANNOT_RUN);
    else throw new UsageError(`unknown flag: ${option}\nSee 'docker run --help'.\n`, CANNOT_RUN);
  }
  const memory = values.get('--memory');
  const swap = values.get('--memory-swap');
  return {
    memory: memory === undefined ? undefined : bytesOf('-m, --memory', memory),
    memorySwap: swap === undefined ? undefined : bytesOf('--memory-swap', swap),
    name: values.get('--name'),
    remove: flags.has('--rm'),
    words,
  };
}

/** Swap is as much as memory when nothing is said, none when both are equal, no limit with -1. */
function swapLimit(memory: number | undefined, memorySwap: number | undefined): number | undefined {
  if (memory === undefined || memorySwap === -1) return undefined;
  if (memorySwap === undefined) return memory;
  if (memorySwap < memory)
    throw new UsageError(
      'docker: Error response from daemon: Minimum memoryswap limit should be larger than memory limit, see usage.\n',
      CANNOT_RUN,
    );
  return memorySwap - memory;
}

export function* runContainer(
  box: LinuxBox,
  args: readonly string[],
  input: string,
  commands: ReadonlyMap<string, LinuxCommand>,
): Running {
  const request = parseRun(args);
  const [image, ...words] = request.words;
  if (image === undefined) throw new UsageError('"docker run" requires at least 1 argument.\n', CANNOT_RUN);
  // The image may be the program itself, or any name with the program behind it.
  const name = commands.has(image) ? image : (words.shift() ?? image);
  const command = commands.get(name);
  if (command?.path === undefined)
    throw new UsageError(
      `Unable to find image '${image}:latest' locally\ndocker: Error response from daemon: pull access denied for ${image}.\n`,
      CANNOT_RUN,
    );
  const { memory, memorySwap } = request;
  if (memory !== undefined && memory < LEAST_MEMORY)
    throw new UsageError('docker: Error response from daemon: Minimum memory limit allowed is 6MB.\n', CANNOT_RUN);
  const all = containers(box);
  const id = idOf(all.length);
  const group = limitedGroup(box, `docker-${id}.scope`, { memory, swap: swapLimit(memory, memorySwap) });
  if (typeof group === 'number')
    throw new UsageError(`docker: Error response from daemon: ${strerror(-group)}.\n`, CANNOT_RUN);
  const container: Container = {
    id,
    name: request.name ?? `faultline_${all.length + 1}`,
    command: [name, ...words].join(' '),
    group,
    memory,
    exitCode: undefined,
    oomKilled: false,
  };
  all.push(container);
  // The first process of the container is the daemon's child in the group, which becomes the command.
  const job = childIn(box, command, words, input, group);
  const code = yield* box.steps(job);
  container.exitCode = code;
  container.oomKilled = (group.events[MEMCG_OOM_KILL] as number) > 0;
  if (request.remove) all.splice(all.indexOf(container), 1);
  return code;
}

/** The client stays where it is; only the container's process is in the group. */
function childIn(box: LinuxBox, command: LinuxCommand, words: readonly string[], input: string, group: MemCgroup): Job {
  const { current, cgroupTree } = box.machine.kernel;
  const before = current?.mm.memcg ?? 0;
  if (current !== undefined) cgroupTree.attach(current.process, group);
  const job = box.child(command, words, input);
  if (current !== undefined) current.mm.memcg = before;
  return job;
}
