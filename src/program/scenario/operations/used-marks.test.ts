/** Which pages count as used by what writes and cuts of files do to them: the `lru` strings, which the set does not score. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Answer } from '../answer.ts';
import { parseScenario } from '../parser.ts';
import { runScenario } from '../runner.ts';

const SET = new URL('../../../../conformance/', import.meta.url);

for (const name of ['pc_113_used_marks', 'file_304_beyond_the_end'])
  test(`do pages have the marks and the folios that the kernel's have behind each step (${name})?`, () => {
    const recorded = JSON.parse(readFileSync(new URL(`answers/${name}.json`, SET), 'utf8')) as Answer[];
    const scenario = parseScenario(name, readFileSync(new URL(`scenarios/${name}.txt`, SET), 'utf8'));
    const shown = (answers: readonly Answer[]): unknown[] =>
      answers.filter(({ lru }) => lru !== undefined).map(({ op, lru, folios, dirty }) => ({ op, lru, folios, dirty }));
    const kernel = shown(recorded);
    expect(kernel.length).toBeGreaterThan(3);
    expect(shown(runScenario(scenario))).toEqual(kernel);
  });
