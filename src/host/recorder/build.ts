/**
 * The recording tool, native/pagetrace: found in its cache folder or built there, which takes a second. A build belongs to the
 * sources, the compiler and the Valgrind that it was made for; when one of them changes, another is made.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Why there is no tool, in one sentence, and what would help. */
export class ToolUnavailable extends Error {
  override readonly name = 'ToolUnavailable';
}

export interface RecordingTool {
  /** The program that starts Valgrind's tools. */
  readonly valgrind: string;
  /** "valgrind-3.19.0" */
  readonly version: string;
  /** Folder for VALGRIND_LIB: Valgrind looks for its tools there. */
  readonly library: string;
}

const SOURCES = join(import.meta.dirname, '..', '..', '..', 'native', 'pagetrace');
const HEADERS = '/usr/include/valgrind';
/** Where distributions keep Valgrind's static libraries. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu/valgrind',
  '/usr/libexec/valgrind',
  '/usr/lib64/valgrind',
  '/usr/lib/valgrind',
];
/** And its own tools, with what they share: our tool lives among links to them. */
const TOOL_FOLDERS = ['/usr/libexec/valgrind', ...LIBRARY_FOLDERS];
const TOOL = 'pagetrace-amd64-linux';
const INSTALL_HINT = 'apt-get install valgrind gcc binutils';

const PLATFORM = ['-DVGA_amd64=1', '-DVGO_linux=1', '-DVGP_amd64_linux=1', '-DVGPV_amd64_linux_vanilla=1'];
const COMPILE = ['-O2', '-m64', '-std=gnu99', '-Wall', ...PLATFORM, `-I${HEADERS}`];
/** As Valgrind builds its own tools: no libc, no surprises from the compiler, loaded where the program never is. */
const FREESTANDING = [
  '-fno-pie',
  '-fno-stack-protector',
  '-fno-strict-aliasing',
  '-fno-builtin',
  '-fomit-frame-pointer',
];
const LINK = ['-flto', '-static', '-no-pie', '-nodefaultlibs', '-nostartfiles', '-u', '_start'];
const LINK_AT = ['-Wl,--build-id=none', '-Wl,-s', '-Wl,-z,noexecstack', '-Wl,-Ttext-segment=0x58000000'];
const FLAGS = [...COMPILE, ...FREESTANDING, ...LINK, ...LINK_AT];

/** The launcher: Debian's `valgrind` is a shell script that sets variables in the program's environment; the real one is beside it. */
export function findValgrind(): { valgrind: string; version: string } {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    for (const name of ['valgrind.bin', 'valgrind']) {
      const valgrind = join(folder, name);
      if (!isExecutable(valgrind)) continue;
      return { valgrind, version: execFileSync(valgrind, ['--version'], { encoding: 'utf8' }).trim() };
    }
  }
  throw new ToolUnavailable(`Valgrind is not installed (${INSTALL_HINT})`);
}

/** The tool, built if need be. Throws ToolUnavailable with the reason. `onBuild` is called before a build. */
export function recordingTool(onBuild: () => void = () => {}): RecordingTool {
  if (process.arch !== 'x64' || process.platform !== 'linux')
    throw new ToolUnavailable('the recorder needs Linux on x86-64');
  const { valgrind, version } = findValgrind();
  const gcc = compiler();
  const archives = LIBRARY_FOLDERS.find((folder) => existsSync(join(folder, 'libcoregrind-amd64-linux.a')));
  if (archives === undefined || !existsSync(join(HEADERS, 'pub_tool_basics.h'))) {
    throw new ToolUnavailable(`Valgrind's headers or libraries are missing (${INSTALL_HINT})`);
  }
  const sources = readdirSync(SOURCES).filter((name) => /\.[ch]$/.test(name));
  const hash = createHash('sha256').update([version, gcc, ...FLAGS].join('\0'));
  for (const name of sources.sort()) hash.update(name).update(readFileSync(join(SOURCES, name)));
  const key = hash.digest('hex').slice(0, 16);
  const cache = cacheFolder();
  const library = join(cache, key);
  if (!existsSync(join(library, TOOL))) {
    onBuild();
    build(
      sources.filter((name) => name.endsWith('.c')),
      archives,
      cache,
      library,
    );
  }
  return { valgrind, version, library };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The compiler's version, as text. */
function compiler(): string {
  try {
    return execFileSync('gcc', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    throw new ToolUnavailable(`there is no C compiler (${INSTALL_HINT})`);
  }
}

/** Beside the sources; for an installation that only root may write, in the user's cache. */
function cacheFolder(): string {
  const own = join(SOURCES, 'build');
  try {
    mkdirSync(own, { recursive: true });
    accessSync(own, constants.W_OK);
    return own;
  } catch {
    const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'faultline', 'pagetrace');
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** Builds in a folder of its own and then gives it its name, so that two recorders may build at the same time. */
function build(sources: readonly string[], archives: string, cache: string, library: string): void {
  const folder = mkdtempSync(join(cache, 'new-'));
  const archive = (name: string): string => join(archives, `lib${name}-amd64-linux.a`);
  try {
    const inputs = sources.map((name) => join(SOURCES, name));
    const libraries = [archive('coregrind'), archive('vex'), '-lgcc', archive('gcc-sup')];
    const output = ['-o', join(folder, TOOL)];
    execFileSync('gcc', [...FLAGS, ...output, ...inputs, ...libraries], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const neighbours = TOOL_FOLDERS.find((path) => existsSync(join(path, 'default.supp'))) ?? '';
    for (const name of neighbours === '' ? [] : readdirSync(neighbours))
      symlinkSync(join(neighbours, name), join(folder, name));
    renameSync(folder, library);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (existsSync(join(library, TOOL))) return;
    const stderr = (error as { stderr?: string }).stderr ?? String(error);
    throw new ToolUnavailable(`the recording tool cannot be built: ${stderr.trim().split('\n').slice(-3).join('; ')}`);
  }
}
