#!/usr/bin/env node
// Starts faultline under the Node release that the project pins. Whatever Node the machine has (20 or later) runs this
// file; when that is older than the pinned one, the pinned binary takes over with the same arguments and descriptors.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'dist', 'cli', 'main.js');

/** Where npm puts the binary of the `node` package: beside us, or hoisted above when we are a dependency. */
function pinnedNode() {
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', 'node');
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Says what is missing and leaves with the exit code of wrong usage. */
function refuse(message) {
  process.stderr.write(`faultline: ${message}\n`);
  process.exit(2);
}

/** Runs the same command line under another Node and ends as that one ended, by code or by signal. */
function runUnder(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C reaches the whole process group by itself; what is sent to us alone must be passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('error', (error) => refuse(`${node} cannot be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}

if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) {
  if (!existsSync(main)) refuse(`${main} is missing; \`npm run build\` in ${root} makes it`);
  await import(pathToFileURL(main).href);
} else {
  const node = pinnedNode();
  if (node === undefined) {
    // The lock file is in a checkout only; an installed package finds a `node` package beside itself.
    const remedy = existsSync(join(root, 'package-lock.json'))
      ? `\`npm ci\` in ${root} installs it`
      : `\`npm install node@${NEEDED_MAJOR}\` puts one beside faultline`;
    refuse(`Node ${NEEDED_MAJOR} is needed and this is ${process.version}; ${remedy}`);
  }
  runUnder(node);
}
