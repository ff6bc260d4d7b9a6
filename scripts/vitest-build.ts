import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Builds `dist/` once before the tests, for those that start `bin/faultline.js` as a user does. */
export default function setup(): void {
  const root = join(import.meta.dirname, '..');
  const { error } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root });
  // Errors of types are reported by `npm run types`; what was emitted is what the tests start.
  if (error !== undefined) throw error;
}
