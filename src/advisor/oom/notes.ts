/** Sentences about an event that no other part of the explanation says. */
import type { BadnessRule } from './badness.ts';
import type { Reconciliation } from './reconcile.ts';
import type { OomReport } from './report.ts';
import type { TotalPages } from './total-pages.ts';
import { kbText } from './units.ts';
import type { Verdict } from './verdict.ts';

/** Points as kernels before 5.9 print them. */
export function thousandths(points: number, rule: BadnessRule, total: TotalPages | undefined): number | undefined {
  if (total === undefined) return undefined;
  return rule.inThousandths ? points : Math.trunc((points * 1000) / total.pages);
}

/** What is worth knowing about an event besides the answers. */
export function notesOn(
  report: OomReport,
  { ranking, predicted }: Verdict,
  rule: BadnessRule,
  total: TotalPages | undefined,
): string[] {
  const notes: string[] = [];
  const { chosen, kills, invoker, oomGroup } = report;
  if (report.noKillable)
    notes.push('nobody was killed: no process could be (all have oom_score_adj -1000, are dying, or are pid 1)');
  if (report.panic) notes.push('nobody was killed: the machine panicked (vm.panic_on_oom, or nothing left to kill)');
  if (oomGroup !== undefined)
    notes.push(`memory.oom.group is set in ${oomGroup}: everybody in it dies with the chosen process`);
  const died = kills[0];
  if (chosen?.score !== undefined && died !== undefined && died.pid !== chosen.pid) {
    notes.push(
      `${chosen.name} (${chosen.pid}) was chosen; its child ${died.name} (${died.pid}) was killed in its place, as kernels before 5.1 do`,
    );
  }
  const points = ranking.find(({ task }) => task.pid === chosen?.pid)?.points;
  const computed = points === undefined ? undefined : thousandths(points, rule, total);
  if (chosen?.score !== undefined && computed !== undefined) {
    notes.push(
      `the kernel printed score ${chosen.score} for ${chosen.name} (${chosen.pid}), in thousandths; the table gives ${computed}`,
    );
  }
  if (
    invoker !== undefined &&
    invoker.order !== -1 &&
    predicted !== undefined &&
    (chosen ?? predicted).name !== invoker.name
  ) {
    notes.push(`${invoker.name} only asked for memory at the wrong moment; who asks is not who dies`);
  }
  if (total !== undefined && !total.exact)
    notes.push(`the total of ${Math.round(total.pages)} pages is not exact: ${total.knownBy}`);
  return notes;
}

/** Share of the total from which on a part is what the memory went to. */
const MOST = 0.4;

/** Says so where most of the memory is no task's, so that no victim could have been the one to blame. */
export function consumerNote(report: OomReport, memory: Reconciliation | undefined): string[] {
  const total = memory?.totalKb;
  if (memory === undefined || total === undefined) return [];
  const biggest = memory.parts.filter(({ name }) => name !== 'free').sort((a, b) => b.kb - a.kb)[0];
  if (biggest === undefined || biggest.name === 'anonymous' || biggest.kb < MOST * total) return [];
  const victim = report.kills[0] ?? report.chosen;
  const row = report.tasks.rows.find(({ pid }) => pid === victim?.pid);
  const held = row === undefined ? '' : `; ${row.name} (${row.pid}) had ${kbText(row.rss * (report.pageSize / 1024))}`;
  return [
    `most of the memory, ${kbText(biggest.kb)} of ${kbText(total)}, is "${biggest.name}" (${biggest.from}), which no task holds${held}`,
  ];
}
