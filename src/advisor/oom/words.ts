/** An explanation as text for a terminal. */
import type { Explanation } from './explain.ts';
import type { Reconciliation } from './reconcile.ts';
import { kbShort, kbText } from './units.ts';

/** Rows of the ranking that are worth reading. */
const RANKING_ROWS = 8;
const NAME_WIDTH = 16;

interface Named {
  readonly pid: number;
  readonly name: string;
}

const named = ({ name, pid }: Named): string => `${name} (${pid})`;

/** @param number from 1, of the event in its log */
export function explanationText(explanation: Explanation, number: number): string {
  const lines = [
    `OOM event ${number}${explanation.kernel === null ? '' : `, Linux ${explanation.kernel}`}${explanation.time === null ? '' : `, ${explanation.time} s after boot`}`,
    '',
    ...section('What ran out', [explanation.ranOut.what, ...explanation.ranOut.evidence.map((line) => `- ${line}`)]),
    ...section('Who asked', [asked(explanation)]),
    ...section('Who was killed', killed(explanation)),
    ...section('Why this one', ranking(explanation)),
    ...(explanation.memory === null ? [] : section('Where the memory was', memory(explanation.memory))),
    ...section(
      'What would have changed it (the killer was run again for each)',
      explanation.whatIf.map(({ text }) => `- ${text}`),
    ),
    ...section('Who dies next, if memory runs out again', [
      explanation.next === null ? 'nobody that the table shows' : named(explanation.next),
    ]),
    ...section(
      'Missing from this report',
      explanation.missing.map((part) => `- ${part}`),
    ),
    ...section(
      'Notes',
      explanation.notes.map((note) => `- ${note}`),
    ),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ''];
}

function asked({ invoker, request }: Explanation): string {
  if (invoker === null) return 'the report does not say';
  const order =
    request.order === null || request.order < 0
      ? ''
      : `, ${2 ** request.order} page${request.order === 0 ? '' : 's in a row'} (order ${request.order})`;
  const flags = request.gfpFlags ?? request.gfpMask;
  return `${invoker}${request.pid === null ? '' : ` (${request.pid})`}${order}${flags === null ? '' : `, ${flags}`}`;
}

function killed({ killed: kills, chosen, notes }: Explanation): string[] {
  if (kills.length === 0) {
    const nobody = notes.filter((note) => note.startsWith('nobody'));
    if (nobody.length > 0) return nobody;
    const would = chosen === null ? '' : `; ${named(chosen)} was chosen`;
    return [`nobody, as far as the report goes${would}`];
  }
  const lines = kills.slice(0, RANKING_ROWS).map((kill) => {
    const sizes = [
      ['anonymous', kill.anonRssKb],
      ['file', kill.fileRssKb],
      ['shmem', kill.shmemRssKb],
      ['virtual', kill.totalVmKb],
    ] as const;
    const text = sizes.flatMap(([name, kb]) => (kb === undefined ? [] : [`${name} ${kbShort(kb)}`])).join(', ');
    return `${named(kill)}${kill.why === 'chosen' ? '' : `, ${kill.why}`}${text === '' ? '' : `: ${text}`}`;
  });
  if (kills.length > RANKING_ROWS) lines.push(`and ${kills.length - RANKING_ROWS} more`);
  return lines;
}

function ranking({ rule, ranking: entries, agrees, margin, reasons, predicted, chosen }: Explanation): string[] {
  const lines = [`rule of Linux ${rule.kernels}: ${rule.text}`];
  if (rule.total !== null)
    lines.push(`total: ${Math.round(rule.total.pages)} pages of ${rule.pageSize} bytes, ${rule.total.knownBy}`);
  if (entries.length > 0) {
    lines.push(
      `${'points'.padStart(10)} ${'rss'.padStart(9)} ${'swap'.padStart(9)} ${'tables'.padStart(7)} ${'adj'.padStart(5)}  process (pages)`,
    );
    for (const entry of entries.slice(0, RANKING_ROWS)) {
      const numbers = [
        String(entry.points).padStart(10),
        String(entry.rssPages).padStart(9),
        String(entry.swapPages).padStart(9),
        String(entry.tablePages).padStart(7),
        String(entry.oomScoreAdj).padStart(5),
      ];
      lines.push(`${numbers.join(' ')}  ${entry.name.padEnd(NAME_WIDTH)} ${entry.pid}`);
    }
    if (entries.length > RANKING_ROWS)
      lines.push(`and ${entries.length - RANKING_ROWS} more that could have been killed`);
  }
  if (margin !== null) lines.push(`margin to ${named(margin.runnerUp)}: ${margin.points} points, ${margin.percent} %`);
  lines.push(agreement(agrees, predicted, chosen), ...reasons.map((reason) => `- ${reason}`));
  return lines;
}

function agreement(agrees: boolean | null, predicted: Named | null, chosen: Named | null): string {
  if (agrees === true) return 'rule and kernel agree';
  if (agrees === false && predicted !== null && chosen !== null)
    return `the rule says ${named(predicted)}, the kernel chose ${named(chosen)}; what fits:`;
  return predicted === null
    ? 'rule and kernel cannot be compared'
    : `by the rule it would be ${named(predicted)}; the report does not tell whom the kernel chose`;
}

function memory({ of, totalKb, parts, swapKb, tasksRssKb, noTaskHoldsKb }: Reconciliation): string[] {
  const row = (name: string, kb: number, from: string): string =>
    `${String(kb).padStart(12)} kB  ${kbShort(kb).padStart(10)}  ${name.padEnd(15)} ${from}`.trimEnd();
  const lines = parts.map(({ name, kb, from }) => row(name, kb, from));
  if (parts.length === 0) lines.push('the counters that would split it up are missing');
  if (totalKb !== undefined)
    lines.push(row('= total', totalKb, of === 'cgroup' ? 'usage of the cgroup' : 'RAM that the kernel manages'));
  else lines.push('the total is missing from the report, so the parts cannot be checked against it');
  if (swapKb !== undefined) lines.push(row('swap in use', swapKb, 'not part of the total'));
  if (tasksRssKb > 0)
    lines.push(row('tasks', tasksRssKb, 'sum of rss in the table; pages that processes share are counted for each'));
  if (noTaskHoldsKb !== undefined)
    lines.push(`no task holds ${kbText(noTaskHoldsKb)} of it: caches, tmpfs, the kernel; killing frees little of that`);
  return lines;
}
