import { FIXED_PLACES, OWN_REGIONS } from './address-expression.ts';
import { KnownNames } from './names.ts';
import { suggestion } from './nearest.ts';
import type { MachineStep, ProcessStep } from './operation.ts';
import { MACHINE_OPERATIONS, PROCESS_OPERATIONS } from './operations/table.ts';
import { quoted } from './quoted.ts';
import { type Place, ScenarioError } from './scenario-error.ts';
import { readVmSettings, type VmSettings } from './vm-settings.ts';
import { Words } from './words.ts';

/** One line that does something. */
export interface Line {
  readonly place: Place;
  /** As written, for the answer's `op`. */
  readonly text: string;
  readonly action:
    | { readonly kind: 'machine'; readonly step: MachineStep }
    | { readonly kind: 'process'; readonly name: string; readonly step: ProcessStep };
}

/** A scenario, read and checked. */
export interface Scenario {
  readonly file: string;
  /** `# dir: ext4`: the file system that holds its files. */
  readonly directory: string;
  /** `# vm: memory=512M`: it was recorded in a VM, and this is that. */
  readonly vm: VmSettings | undefined;
  readonly lines: readonly Line[];
  /** The stack is named somewhere, so answers show it. */
  readonly speaksOfStack: boolean;
}

const DEFAULT_DIRECTORY = 'ext4-small';
const DIRECTORIES = [DEFAULT_DIRECTORY, 'ext4', 'ext4-async', 'ext4-disk'];

/**
 * Reads a scenario (CONFORMANCE.md).
 *
 * @param file its name in messages
 * @throws {ScenarioError} the first mistake, with its line and what was expected there
 */
export function parseScenario(file: string, text: string): Scenario {
  const known = new KnownNames();
  const lines: Line[] = [];
  let directory: string | undefined;
  let vm: VmSettings | undefined;
  text.split('\n').forEach((raw, i) => {
    const place = { file, line: i + 1 };
    const line = raw.trimEnd();
    directory ??= readDirectory(place, line);
    vm ??= readVm(place, line);
    const words = wordsOf(line);
    if (words.length > 0) lines.push({ place, text: line, action: readLine(place, words, known) });
  });
  return {
    file,
    directory: directory ?? DEFAULT_DIRECTORY,
    vm,
    lines,
    speaksOfStack: lines.some((line) => line.text.includes('stack')),
  };
}

/** Words up to the first that begins with `#`. */
function wordsOf(line: string): string[] {
  const words = line.split(/[ \t]+/).filter((word) => word !== '');
  const comment = words.findIndex((word) => word.startsWith('#'));
  return comment < 0 ? words : words.slice(0, comment);
}

function readDirectory(place: Place, line: string): string | undefined {
  const name = /^# dir: *(\S+)/.exec(line)?.[1];
  if (name !== undefined && !DIRECTORIES.includes(name)) {
    throw new ScenarioError(place, `unknown file system ${quoted(name)}; expected one of ${DIRECTORIES.join(', ')}`);
  }
  return name;
}

function readVm(place: Place, line: string): VmSettings | undefined {
  const settings = readVmSettings(line);
  if (typeof settings === 'string') throw new ScenarioError(place, settings);
  return settings;
}

function readLine(place: Place, words: readonly string[], known: KnownNames): Line['action'] {
  const [first, second, ...rest] = words as [string, ...string[]];
  if (known.has(first) && second !== undefined && first !== 'spawn') {
    return readProcessLine(place, first, second, rest, known);
  }
  const operation = MACHINE_OPERATIONS.get(first);
  if (operation === undefined) throw new ScenarioError(place, notUnderstood(first, second, known));
  const read = new Words(place, operation.usage, words.slice(1));
  if (first === 'spawn') known.spawn(newName(read));
  return { kind: 'machine', step: operation.read(read) };
}

function readProcessLine(place: Place, name: string, op: string, rest: string[], known: KnownNames): Line['action'] {
  const operation = PROCESS_OPERATIONS.get(op);
  if (operation === undefined) {
    const all = PROCESS_OPERATIONS.keys();
    throw new ScenarioError(
      place,
      `unknown operation ${quoted(op)}${suggestion(op, all) || `; a process knows ${[...PROCESS_OPERATIONS.keys()].join(', ')}`}`,
    );
  }
  const words = new Words(place, operation.usage, rest);
  const step = operation.read(words);
  if (op === 'mmap' || op === 'fork') newName(words);
  known.note(name, words);
  return { kind: 'process', name, step };
}

/** The first operand as a name that lines may use from now on. */
function newName(words: Words): string {
  const name = words.operand(0);
  if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name)) {
    words.fail(`${quoted(name)} is no name: expected a letter, then letters, digits, "_" or "."`);
  }
  if (OWN_REGIONS.has(name) || FIXED_PLACES.has(name))
    words.fail(`"${name}" has a meaning of its own; choose another name`);
  return name;
}

/** Why a line cannot be read whose first word is neither an operation nor a process. */
function notUnderstood(first: string, second: string | undefined, known: KnownNames): string {
  if (second !== undefined && PROCESS_OPERATIONS.has(second)) {
    return `no process ${quoted(first)} was spawned${suggestion(first, known.processes) || `; \`spawn ${first.slice(0, 60)}\` makes it`}`;
  }
  if (known.has(first)) return `${first} does nothing here: expected an operation, as in "${first} mmap r len=4p"`;
  const names = [...MACHINE_OPERATIONS.keys(), ...PROCESS_OPERATIONS.keys(), ...known.processes];
  const help = suggestion(first, names);
  return `unknown operation ${quoted(first)}${help || '; expected an operation of the machine (spawn, file, ...) or a process'}`;
}
