/** The reports of scenarios in which a cgroup's limit kills, line by line against what the real kernel wrote then. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { templateOf } from '../../machine/testing/oom-reports.ts';
import { parseScenario } from './parser.ts';
import { runScenario } from './runner.ts';

const folder = new URL('../../../conformance/', import.meta.url);
const SCENARIOS = ['oom_02_largest_wins', 'oom_13_hierarchy', 'oom_15_swap_counts', 'oom_16_populate_syscall'];

interface Logged {
  readonly op: string;
  readonly kmsg?: readonly string[];
}

/** The kernel that answered has inlined other functions than the one that the call traces follow. */
function withoutTrace(lines: readonly string[]): string[] {
  let inside = false;
  return templateOf(lines).filter((line) => {
    if (line === 'Call Trace:') inside = true;
    const keep = !inside;
    if (line === ' </TASK>') inside = false;
    return keep;
  });
}

const logsOf = (answers: readonly unknown[]): (readonly string[])[] =>
  (answers as readonly Logged[]).flatMap(({ kmsg }) => (kmsg === undefined ? [] : [kmsg]));

describe.each(SCENARIOS)('%s', (name) => {
  const text = readFileSync(new URL(`scenarios/${name}.txt`, folder), 'utf8');
  const recorded = logsOf(JSON.parse(readFileSync(new URL(`answers/${name}.json`, folder), 'utf8')) as unknown[]);
  const simulated = logsOf(runScenario(parseScenario(`${name}.txt`, text)));

  test('are the lines of the report those of the real kernel, in its order?', () => {
    expect(recorded.flat().length).toBeGreaterThan(60);
    expect(simulated.map(withoutTrace)).toEqual(recorded.map(withoutTrace));
  });
});

/** Usage, limit and failcnt; of the table total_vm, rss_anon, rss_file, page tables, swap and oom_score_adj. */
function numbersOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    if (/^(memory|memory\+swap|kmem): usage/.test(line)) return [line];
    const row = /^\[ +<(\w+)>\]/.exec(line);
    // rss and rss_shmem are left out: they have the pages of the oracle's own buffers, mapped before the scenario begins.
    const [, , , total, , anon, file, , tables, swap, adj] = line.trim().replace(/^\[ +/, '[').split(/ +/);
    return row === null ? [] : [`${row[1]} ${total} ${anon} ${file} ${tables} ${swap} ${adj}`];
  });
}

test.each([
  'oom_02_largest_wins',
  'oom_09_tie',
  'oom_15_swap_counts',
  'oom_22_adj_522',
  'oom_25_swapped_process_killed',
])(
  '%s: are the numbers of the report those of the real kernel, counters read without the last pages included?',
  (name) => {
    const text = readFileSync(new URL(`scenarios/${name}.txt`, folder), 'utf8');
    const recorded = logsOf(JSON.parse(readFileSync(new URL(`answers/${name}.json`, folder), 'utf8')) as unknown[]);
    const simulated = logsOf(runScenario(parseScenario(`${name}.txt`, text)));
    expect(numbersOf(recorded.flat()).length).toBeGreaterThan(4);
    expect(simulated.map(numbersOf)).toEqual(recorded.map(numbersOf));
  },
);
