/** The C oracle in a VM: another kernel than the one beneath, with cgroup v2 and memory of its own to run out of. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../program/scenario/answer.ts';
import type { VmSettings } from '../program/scenario/vm-settings.ts';
import { CONFORMANCE } from './conformance-set.ts';
import { UserError } from './user-error.ts';

const VM = join(CONFORMANCE, 'vm');
const MOST_OUTPUT = 1 << 28;

/** @throws {UserError} the program fails; the last line that it wrote says why */
function inVm(program: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync('bash', [join(VM, program), ...args], {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
  });
  if (error !== undefined) throw new UserError(`--vm: bash cannot be started: ${error.message}`);
  if (status !== 0) throw new UserError(`--vm: ${program} fails: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}

/** Gets a kernel and makes the VM's disks, once. @throws {UserError} when that is not possible here */
export function prepareVm(): void {
  if (process.platform !== 'linux') throw new UserError(`--vm needs Linux; this is ${process.platform}`);
  if (!existsSync(VM)) throw new UserError('--vm needs the folder conformance/vm of the project');
  inVm('setup.sh', []);
}

/** What the kernel of the VM answers to a scenario. @throws {UserError} the VM or the oracle fails */
export function askVm(path: string, { memory, swap, mglru }: VmSettings): Answer[] {
  const mib = (bytes: number) => String(Math.ceil(bytes / 2 ** 20));
  const args = ['-m', mib(memory), '--swap', mib(swap), '--mglru', String(mglru), path];
  return JSON.parse(inVm('run.sh', args)) as Answer[];
}
