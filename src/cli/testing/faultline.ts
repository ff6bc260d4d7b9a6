import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../../bin/faultline.js', import.meta.url));

/** How a run of the command line ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts `faultline` as a user does, from the built files.
 *
 * @param options `node`: another Node binary than the one that runs the tests; `cwd`: where
 */
export function faultline(args: readonly string[], options: { node?: string; cwd?: string } = {}): Run {
  const { node = process.execPath, cwd } = options;
  const { status, stdout, stderr } = spawnSync(node, [LAUNCHER, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, stdout, stderr };
}
