/**
 * Who may import whom (DESIGN.md, "The house"): a folder imports only from folders that stand before it, the machine
 * uses nothing of Node, of packages or of the real clock, and no module of the machine imports itself in a circle.
 */

/** The folders of src in the order of their layers. */
export const LAYERS = [
  'hardware',
  'kernel',
  'machine',
  'program',
  'readers',
  'writers',
  'linux',
  'advisor',
  'sweep',
  'host',
  'server',
  'cli',
];
/** Runs in a browser as well as under Node, so it depends on neither. */
const PORTABLE = ['hardware', 'kernel', 'machine', 'program'];
/** The viewer stands apart: it may use what is portable, and nothing may use it. */
const APART = 'web';

/** What would make the same input give another output, or tie the machine to one host. */
const FORBIDDEN: readonly [pattern: RegExp, what: string][] = [
  [/\bBigInt\b|\bBig(?:Ui|I)nt64Array\b|\b\d+n\b/, 'BigInt (an address is a number in the machine)'],
  [/\bDate\b|\bperformance\b/, 'the real clock (time is simulated)'],
  [/\bMath\s*\.\s*random\b|\bcrypto\b/, 'randomness (seeds are options)'],
  [/\bconsole\b/, 'the console (only cli/ prints)'],
  [/\bprocess\s*\.\s*(?:env|argv|stdout|stderr|exit|hrtime|memoryUsage|nextTick)\b|\bBuffer\b/, 'a global of Node'],
  [/\bset(?:Timeout|Interval|Immediate)\b/, 'a timer (time is simulated)'],
];

export interface Import {
  readonly from: string;
  readonly line: number;
  /** `import type`: gone at run time, so it cannot make a circle. */
  readonly typeOnly: boolean;
}

/** Blanks comments and the insides of strings, keeping every line where it is. Template strings keep their text. */
export function codeOnly(source: string): string {
  const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, (match) =>
    match[0] === '/' ? blank(match) : `'${blank(match.slice(1, -1))}'`,
  );
}

/** The imports of a module, static and dynamic, and what it exports from elsewhere. */
export function importsOf(source: string): Import[] {
  const found: Import[] = [];
  const withoutComments = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, (c) => c.replaceAll(/[^\n]/g, ' '));
  const statement =
    /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]*?\sfrom\s+)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/gm;
  for (const match of withoutComments.matchAll(statement)) {
    const from = match[2] ?? match[3] ?? '';
    const line = withoutComments.slice(0, match.index).split('\n').length;
    found.push({ from, line, typeOnly: match[1] !== undefined });
  }
  return found;
}

/** `src/kernel/a/b.ts` + `../c.ts` -> `src/kernel/c.ts`. */
function resolve(importer: string, from: string): string {
  const parts = importer.split('/').slice(0, -1);
  for (const step of from.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.') parts.push(step);
  }
  return parts.join('/');
}

const layerOf = (path: string): string => path.split('/')[1] ?? '';

/** Tests, and what only tests use: `testing.ts`, and folders `testing/` and `fixtures/`. */
const isForTests = (path: string): boolean =>
  /\.(?:test|bench)\.ts$|\/testing\.ts$|\/(?:testing|fixtures)\//.test(path);

/** Why this import is wrong, or undefined. */
function wrongImport(path: string, { from }: Import): string | undefined {
  const layer = layerOf(path);
  if (!from.startsWith('.')) {
    return PORTABLE.includes(layer)
      ? `imports '${from}', but ${layer}/ uses nothing of Node and no package`
      : undefined;
  }
  const target = layerOf(resolve(path, from));
  if (isForTests(resolve(path, from))) return `imports '${from}', which is for tests only`;
  if (target === layer) return undefined;
  if (target === APART) return `imports ${APART}/, which nothing may import`;
  if (layer === APART) {
    return PORTABLE.includes(target) || target === 'readers' || target === 'writers'
      ? undefined
      : `imports ${target}/, but ${APART}/ uses only what runs in a browser`;
  }
  if (!LAYERS.includes(target)) return `imports ${target}/, which is no layer`;
  return LAYERS.indexOf(target) < LAYERS.indexOf(layer)
    ? undefined
    : `imports ${target}/, which stands above ${layer}/`;
}

/** A circle of imports that exist at run time, as the paths on it, for each module that closes one. */
export function cycles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (module: string): void => {
    const at = path.indexOf(module);
    if (at >= 0) found.push([...path.slice(at), module]);
    if (at >= 0 || done.has(module)) return;
    path.push(module);
    for (const next of imports.get(module) ?? []) visit(next);
    path.pop();
    done.add(module);
  };
  for (const module of imports.keys()) visit(module);
  return found;
}

/**
 * Checks a tree. Tests and their helpers are left out: they may use whatever they need.
 *
 * @param files path from the project's root (`src/kernel/mm.ts`) to source text
 * @returns one sentence a fault, with path and line; empty when the order holds
 */
export function checkLayers(files: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of files) {
    if (isForTests(path)) continue;
    const layer = layerOf(path);
    if (!LAYERS.includes(layer) && layer !== APART) {
      faults.push(`${path}: ${layer}/ is no folder of the design (${LAYERS.join(', ')}, ${APART})`);
      continue;
    }
    const imports = importsOf(source);
    for (const found of imports) {
      const wrong = wrongImport(path, found);
      if (wrong !== undefined) faults.push(`${path}:${found.line}: ${wrong}`);
    }
    if (!PORTABLE.includes(layer)) continue;
    graph.set(
      path,
      imports.filter((i) => !i.typeOnly && i.from.startsWith('.')).map((i) => resolve(path, i.from)),
    );
    codeOnly(source)
      .split('\n')
      .forEach((line, i) => {
        for (const [pattern, what] of FORBIDDEN) {
          if (pattern.test(line)) faults.push(`${path}:${i + 1}: uses ${what}`);
        }
      });
  }
  for (const circle of cycles(graph)) faults.push(`${circle[0]}: imports itself in a circle: ${circle.join(' -> ')}`);
  return faults;
}
