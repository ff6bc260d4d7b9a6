import type { Command } from 'just-bash';
import { EBUSY, ENOENT, errnoName } from '../../kernel/errno.ts';
import { strerror } from '../strerror.ts';

/** A control group goes with the files in it, which nobody made. */
const GROUPS = '/sys/fs/cgroup/';

/** rmdir of coreutils 9.1: just-bash's own takes a control group for a directory that is not empty. */
export const rmdir: Command = {
  name: 'rmdir',
  async execute(args, { fs, cwd }) {
    let stderr = '';
    for (const operand of args) {
      const path = fs.resolvePath(cwd, operand);
      try {
        if (!path.startsWith(GROUPS) && (await fs.readdir(path)).length > 0) throw new Error('Directory not empty');
        await fs.rm(path, { recursive: !path.startsWith(GROUPS) });
      } catch (error) {
        stderr += `rmdir: failed to remove '${operand}': ${reason(error as Error)}\n`;
      }
    }
    return { stdout: '', stderr, exitCode: stderr === '' ? 0 : 1 };
  },
};

function reason({ message }: Error): string {
  const known = [EBUSY, ENOENT].find((error) => message.startsWith(errnoName(error)));
  return known === undefined ? message : strerror(known);
}
