import type { Axis } from '../sweep/grid.ts';
import { type Arguments, type OptionTable, parseArguments } from './arguments.ts';
import { MACHINE_OPTION_TABLE, machineOptions } from './machine-options.ts';
import { REPLAY_OPTION_TABLE, replayOptionsOf } from './replay-options.ts';
import { UserError } from './user-error.ts';

/** Options of `replay` that a sweep takes too: most of them with a list of values. */
const POINT_OPTION_TABLE: OptionTable = { ...REPLAY_OPTION_TABLE, ...MACHINE_OPTION_TABLE };

export const SWEEP_OPTION_TABLE: OptionTable = {
  ...POINT_OPTION_TABLE,
  swappiness: 'value',
  json: 'flag',
  threads: 'value',
  'no-progress': 'flag',
};

/** More replays than anybody would wait for. */
const MOST_POINTS = 10_000;

/** What the points of a sweep are made of: lists of values, and options that all have. */
export interface SweepPlan {
  readonly axes: readonly Axis[];
  /** The options of a point as a command line of `replay`, in pieces. */
  argumentsOf(point: readonly string[]): string[];
}

/** An axis, and the command line's option for one of its values. */
interface OptionAxis extends Axis {
  option(value: string): string;
}

/**
 * Reads which machines a sweep is to try: each option's commas separate values, but those of --swap and --cold-file, whose
 * details and names may have some.
 * @throws {UserError} a list without a value or with the same one twice, and a value that no machine or replay can have
 */
export function sweepPlan(parsed: Arguments): SweepPlan {
  const axes: OptionAxis[] = [];
  const fixed: string[] = [];
  for (const [name, kind] of Object.entries(POINT_OPTION_TABLE)) {
    if (name === 'sysctl') continue;
    if (kind === 'flag' && parsed.has(name)) fixed.push(`--${name}`);
    else if (kind === 'values') fixed.push(...parsed.values(name).map((value) => `--${name}=${value}`));
    else {
      const list = parsed.value(name);
      if (list !== undefined) axes.push(axisOf(name, list, (value) => `--${name}=${value}`));
    }
  }
  const swappiness = parsed.value('swappiness');
  const sysctls = parsed.values('sysctl').map((text) => text.split('='));
  if (swappiness !== undefined) sysctls.unshift(['vm.swappiness', swappiness]);
  for (const [name = '', ...list] of sysctls)
    axes.push(axisOf(name, list.join('='), (value) => `--sysctl=${name}=${value}`));
  const twice = axes.find(({ name }, i) => axes.findIndex((axis) => axis.name === name) < i);
  if (twice !== undefined) throw new UserError(`${twice.name} is given twice`);
  const points = axes.reduce((product, { values }) => product * values.length, 1);
  if (points > MOST_POINTS) throw new UserError(`these are ${points} machines; at most ${MOST_POINTS} are tried`);
  // Each value alone, so that a wrong one is told before the first replay.
  for (const { values, option } of axes) for (const value of values) optionsOf([...fixed, option(value)]);
  return {
    axes: axes.map(({ name, values }) => ({ name, values })),
    argumentsOf: (point) => [...fixed, ...axes.map(({ option }, i) => option(point[i] ?? ''))],
  };
}

/** The machine and the replay that a point's arguments describe. @throws {UserError} they describe none */
export function optionsOf(args: readonly string[]): {
  machine: ReturnType<typeof machineOptions>;
  replay: ReturnType<typeof replayOptionsOf>;
} {
  const parsed = parseArguments(args, POINT_OPTION_TABLE);
  return { machine: machineOptions(parsed), replay: replayOptionsOf(parsed) };
}

function axisOf(name: string, list: string, option: (value: string) => string): OptionAxis {
  const values = list.split(',');
  if (values.includes('')) throw new UserError(`${name} ${list}: a value is missing between the commas`);
  const again = values.find((value, i) => values.indexOf(value) < i);
  if (again !== undefined) throw new UserError(`${name} ${list}: ${again} is there twice`);
  return { name, values, option };
}
