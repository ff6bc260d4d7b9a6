/** `npm run layers`: checks the imports of src/ against the design. Exit code 1 with a line for each fault. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkLayers } from './layers.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = new Map<string, string>();
for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const path = join(entry.parentPath, entry.name);
  files.set(relative(root, path), readFileSync(path, 'utf8'));
}
const faults = checkLayers(files);
for (const fault of faults) console.error(fault);
console.log(`layers: ${files.size} modules, ${faults.length === 0 ? 'the order holds' : `${faults.length} faults`}`);
process.exitCode = faults.length === 0 ? 0 : 1;
