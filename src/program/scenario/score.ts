/**
 * How far a model's answers agree with the real kernel's: the rules of conformance/compare.mjs, which stays a program of
 * its own so that any implementation can be scored with it.
 */
import type { Answer, AnswerValue } from './answer.ts';

/** Absolute addresses, logs, and what belongs to the recording process itself rather than to the scenario. */
const NOT_SCORED = new Set([
  ...['i', 'op', 'addr', 'align', 'lru', 'trace', 'swaps', 'text', 'lines', 'MemTotal', 'CommitLimit'],
  ...['usage_p', 'max_usage_p', 'memsw_usage_p', 'kmem_usage_p', 'failcnt', 'memsw_failcnt', '_', 'VmFlags'],
  ...['total_minflt', 'total_majflt', 'maxrss_kb', 'slab', 'slab_reclaimable', 'slab_unreclaimable'],
]);
/** Of a process's status only what the scenario's own mappings decide. */
const STATUS_SCORED = new Set(['VmLck', 'VmData', 'VmSwap', 'HugetlbPages', 'VmPTE_delta']);

/** The first field of an operation in which kernel and model differ. */
export interface Difference {
  /** Number of the operation, from 1. */
  readonly i: number;
  readonly op: string;
  readonly field: string;
  readonly kernel?: unknown;
  readonly model?: unknown;
}

/** Operations whose answers have something to score, and those that are equal. */
export interface ScenarioScore {
  readonly ops: number;
  readonly differences: readonly Difference[];
}

type Leaves = Map<string, number | string | boolean>;

const isObject = (value: AnswerValue): value is { [key: string]: AnswerValue } =>
  typeof value === 'object' && !Array.isArray(value);

/** Of a kernel log only who was killed, under which constraint: addresses, registers and sizes differ by nature. */
function verdicts(lines: AnswerValue): string {
  const found = (Array.isArray(lines) ? lines : []).flatMap((line) => [
    String(line).match(/constraint=(\w+)/)?.[1],
    String(line).match(/Killed process \S+ \(([^)]*)\)/)?.[1],
  ]);
  return found.filter((verdict) => verdict !== undefined).join(',');
}

/** Flattens an answer to path -> value, leaving out what is not scored. */
function flatten(value: AnswerValue, path: string, key: string, into: Leaves): Leaves {
  if (NOT_SCORED.has(key)) return into;
  if (key === 'kmsg') return into.set(path, verdicts(value));
  if (Array.isArray(value)) {
    if (!value.some((element) => typeof element === 'object')) return into.set(path, value.join(','));
    for (const [i, element] of value.entries()) flatten(element, `${path}[${i}]`, '', into);
    return into;
  }
  if (!isObject(value)) return into.set(path, value);
  for (const [name, member] of Object.entries(value)) {
    if (key === 'status' && !STATUS_SCORED.has(name)) continue;
    flatten(member, path === '' ? name : `${path}.${name}`, name, into);
  }
  return into;
}

const leavesOf = (answer: Answer): Leaves => flatten(answer, '', '', new Map());

/** Whether a value lies in the range that the kernel itself showed, widened by 5 % or 2. */
function within(seen: readonly unknown[], value: unknown): boolean {
  const numbers = seen.filter((one) => typeof one === 'number');
  if (numbers.length !== seen.length) return true;
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  return (
    typeof value === 'number' && value >= low - Math.max(2, low * 0.05) && value <= high + Math.max(2, high * 0.05)
  );
}

type Varying = ReadonlyMap<string, readonly unknown[]>;

/** What differed between the kernel's own runs: `number field` to the values seen. */
function varyingFields(answers: readonly Answer[]): Varying {
  const varying = new Map<string, readonly unknown[]>();
  for (const { summary, nondeterministic } of answers as readonly { [key: string]: unknown }[]) {
    if (summary !== true || !Array.isArray(nondeterministic)) continue;
    for (const { i, field, values } of nondeterministic) varying.set(`${i} ${field}`, values);
  }
  return varying;
}

function firstDifference(kernel: Answer, model: Answer | undefined, varying: Varying): Difference | undefined {
  const [i, op] = [Number(kernel.i), String(kernel.op)];
  if (model === undefined) return { i, op, field: 'no answer' };
  const got = leavesOf(model);
  for (const [path, value] of leavesOf(kernel)) {
    const other = got.get(path);
    const seen = varying.get(`${i} ${path}`);
    if (seen === undefined ? other === value : within(seen, other)) continue;
    // A zero inside a table may be left out.
    if (value === 0 && other === undefined && path.includes('.')) continue;
    return { i, op, field: path, kernel: seen ?? value, model: other };
  }
  return undefined;
}

/** Compares the answers to one scenario, operation by operation. */
export function scoreScenario(kernel: readonly Answer[], model: readonly Answer[]): ScenarioScore {
  const varying = varyingFields(kernel);
  const byNumber = new Map(model.filter(({ op }) => op !== undefined).map((answer) => [answer.i, answer]));
  // An operation whose answer has nothing to score (spawn, sleep, ...) is not counted.
  const scored = kernel.filter((answer) => answer.op !== undefined && leavesOf(answer).size > 0);
  const differences = scored.flatMap((answer) => {
    const difference = firstDifference(answer, byNumber.get(answer.i as AnswerValue), varying);
    return difference === undefined ? [] : [difference];
  });
  return { ops: scored.length, differences };
}
