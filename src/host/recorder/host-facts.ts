/** What shapes a program's memory from outside, for the recording's header. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { EnvironmentFacts, HostFacts } from '../../program/recording/header.ts';

/** Lines of /proc/self/limits by getrlimit's name. */
const LIMITS: Readonly<Record<string, string>> = {
  stack: 'Max stack size',
  data: 'Max data size',
  as: 'Max address space',
  memlock: 'Max locked memory',
  nofile: 'Max open files',
};

/** What a program started from here inherits. */
export function environmentFacts(environment: NodeJS.ProcessEnv = process.env): EnvironmentFacts {
  const variables = Object.entries(environment);
  const bytes = variables.reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}=${value}`) + 1, 0);
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || 'C';
  return { variables: variables.length, bytes, locale, limits: softLimits(readFileSync('/proc/self/limits', 'utf8')) };
}

function softLimits(text: string): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const [name, title] of Object.entries(LIMITS)) {
    const soft = text.match(new RegExp(`^${title}\\s+(\\d+)`, 'm'))?.[1];
    if (soft !== undefined) limits[name] = Number(soft);
  }
  return limits;
}

export const hostFacts = (): HostFacts => ({
  kernel: release(),
  cpu: cpus()[0]?.model ?? 'unknown',
  memoryBytes: totalmem(),
});
