/** The C oracle: it asks the kernel beneath what the simulated one is asked. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../program/scenario/answer.ts';
import { CONFORMANCE } from './conformance-set.ts';
import { readScenario } from './scenario-input.ts';
import { UserError } from './user-error.ts';

/** Where it is built and has its devices; left in place, so that the next run need not make them again. */
export const WORK: string = join(CONFORMANCE, 'work');
const PARTS = ['oracle.c', 'build.sh', 'setup.sh', 'teardown.sh'];

/** Runs a program in the work folder. @throws {UserError} it is missing or fails */
function inWork(program: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd: WORK,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw new UserError(`--host: ${program} cannot be started: ${error.message}`);
  if (status !== 0)
    throw new UserError(`--host: ${program} ${args.join(' ')} fails: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}

const sourceOf = (folder: string): string => readFileSync(join(folder, 'oracle.c'), 'utf8');

/** Builds the oracle, if it is not of this source already, and makes its file systems, once. @throws {UserError} when that is not possible here */
export function prepareHost(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new UserError(`--host needs Linux on x86-64; this is ${process.platform} on ${process.arch}`);
  }
  if (process.getuid?.() !== 0) throw new UserError('--host needs root: it mounts file systems for the scenarios');
  mkdirSync(WORK, { recursive: true });
  const isBuilt = existsSync(join(WORK, 'oracle')) && sourceOf(WORK) === sourceOf(CONFORMANCE);
  for (const part of PARTS) cpSync(join(CONFORMANCE, part), join(WORK, part));
  if (!isBuilt) inWork('sh', ['build.sh']);
  inWork('bash', ['setup.sh']);
}

/** What the kernel beneath answers to a scenario. @throws {UserError} the oracle cannot run it */
export function askHost(path: string): Answer[] {
  const { directory } = readScenario(path);
  const text = inWork(join(WORK, 'oracle'), ['-n', '3', '-d', directory, path]);
  return JSON.parse(text) as Answer[];
}
