/** Answers of a scenario as a person reads them: a line for each operation, and tables of what it looked at below it. */
import type { Answer, AnswerValue } from '../program/scenario/answer.ts';
import { timeText } from './quantity.ts';

type Table = { readonly [key: string]: AnswerValue };

const isTable = (value: AnswerValue | undefined): value is Table => typeof value === 'object' && !Array.isArray(value);
const tables = (value: AnswerValue | undefined): readonly Table[] =>
  Array.isArray(value) ? value.filter(isTable) : [];

/** Keys that the first line says in words, or that a block below it shows. */
const ELSEWHERE = new Set(['i', 'op', 'sig', 'errno', 'err', 'minflt', 'majflt', 'rd_kb', 'wr_kb', 'addr', 'kmsg']);

const plain = (value: AnswerValue): string => (Array.isArray(value) ? value.map(plain).join(' ') : String(value));
const pairs = (table: Table): string =>
  Object.entries(table)
    .filter(([key, value]) => key !== '_' && !isTable(value))
    .map(([key, value]) => `${key} ${plain(value)}`)
    .join(', ');

/** `1 fault`, `16 faults, 2 major`. */
function faultsText({ minflt = 0, majflt = 0 }: Answer): string[] {
  const all = Number(minflt) + Number(majflt);
  if (all === 0) return [];
  const major = Number(majflt) > 0 ? `, ${majflt} major` : '';
  return [`${all} ${all === 1 ? 'fault' : 'faults'}${major}`];
}

/** How the operation ended, when it did not simply succeed. */
function endingText({ sig, errno, killed, blocked, dead }: Answer): string[] {
  if (isTable(sig)) return [`${sig.sig} (${sig.code}) at ${sig.addr}`];
  if (errno !== undefined) return [`failed: ${errno}`];
  if (killed) return ['the process was killed'];
  if (dead) return ['the process is dead'];
  return blocked ? ['blocked'] : [];
}

function transferText({ rd_kb: read, wr_kb: written }: Answer): string[] {
  return [read && `read ${read} kB`, written && `wrote ${written} kB`].filter((text) => typeof text === 'string');
}

/** Small facts of the answer, by their keys. */
function factsText(answer: Answer): string[] {
  return Object.entries(answer).flatMap(([key, value]) => {
    const block = isTable(value) || (Array.isArray(value) && value.some(isTable));
    if (block || ELSEWHERE.has(key) || (key === 'ret' && value === 0)) return [];
    if (key === 'killed' || key === 'dead' || key === 'blocked') return [];
    if (key === 'unsupported') return [`not simulated yet: ${plain(value)}`];
    return [`${key} ${plain(value).trimEnd()}`];
  });
}

const pagesText = (pages: AnswerValue | undefined): string => `${pages} ${pages === 1 ? 'page' : 'pages'}`;

/** What stat, maps, pages and their kin show. */
function blocksText(answer: Answer): string[] {
  const lines: string[] = [];
  if (isTable(answer.status)) lines.push(`status: ${pairs(answer.status)}`);
  for (const vma of tables(answer.vmas)) {
    const { at, pages, perm, off, file, VmFlags: _flags, adj: _adjacent, ...amounts } = vma;
    const source = `${file ?? 'anonymous'}${off === undefined ? '' : ` from ${off}`}`;
    lines.push(
      `${String(at).padEnd(16)} ${String(pages).padStart(7)} pages ${perm} ${source}  ${pairs(amounts)}`.trimEnd(),
    );
  }
  for (const key of ['own_kb', 'cachestat', 'delta', 'memstat']) {
    const table = answer[key];
    if (isTable(table)) lines.push(`${key}: ${pairs(table)}`);
  }
  for (const { region, ...strings } of tables(answer.regions)) lines.push(`${region}: ${pairs(strings)}`);
  for (const { mappers, payers, ...amounts } of tables(answer.files)) {
    lines.push(pairs(amounts));
    for (const { process, pages } of tables(mappers)) lines.push(`    mapped by ${process}: ${pagesText(pages)}`);
    for (const { cgroup, pages } of tables(payers)) lines.push(`    charged to ${cgroup}: ${pagesText(pages)}`);
  }
  if (Array.isArray(answer.kmsg)) lines.push(...answer.kmsg.map(String));
  for (const death of tables(answer.deaths)) {
    const how = death.signal === undefined ? `exit code ${death.exit}` : `signal ${death.signal}`;
    lines.push(`${death.proc} ended: ${how}, ${death.total_minflt} minor and ${death.total_majflt} major faults`);
  }
  return lines;
}

/** The width of the operation, and of the time behind it. */
const OPERATION_WIDTH = 40;
const TIME_WIDTH = 10;

/**
 * The text of one answer, with its end of line.
 * @param ns simulated time that the operation took, in nanoseconds
 */
export function answerText(answer: Answer, ns: number): string {
  const said = [...endingText(answer), ...faultsText(answer), ...transferText(answer), ...factsText(answer)];
  const time = ns > 0 ? timeText(ns) : '';
  const head = `${String(answer.op).trim().padEnd(OPERATION_WIDTH)} ${time.padStart(TIME_WIDTH)}`;
  const first = `${head}  ${said.join('; ')}`.trimEnd();
  return [first, ...blocksText(answer).map((line) => `    ${line}`)].map((line) => `${line}\n`).join('');
}
