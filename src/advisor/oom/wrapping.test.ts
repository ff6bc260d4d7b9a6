import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Explanation } from './explain.ts';
import { explainLog, OomExplainer } from './index.ts';
import { EXPECTED, fixture, kernelLines } from './testing/reports.ts';

const IDS = EXPECTED.map(({ id }) => id);
const ESC = String.fromCharCode(27);
const stamp = (i: number): string => `[${(4242 + i / 1000).toFixed(6).padStart(12)}]`;

/** What must not depend on the wrapping. */
function essence(reports: readonly Explanation[]): unknown {
  return reports.map(({ kernel, constraint, invoker, killed, ranking, agrees, memory, ranOut }) => ({
    kernel,
    constraint,
    invoker,
    killed,
    ranking,
    agrees,
    memory,
    ranOut,
  }));
}

type Wrapping = (line: string, i: number) => string;
const WRAPPINGS: Readonly<Record<string, Wrapping>> = {
  dmesg: (line, i) => `${stamp(i)} ${line}`,
  'dmesg with the printing task': (line, i) => `${stamp(i)}[ T1778] ${line}`,
  'dmesg -T': (line) => `[Wed Mar 13 11:16:48 2024] ${line}`,
  'dmesg -T in German': (line) => `[Mi Mär 13 11:16:48 2024] ${line}`,
  'dmesg -T in Chinese': (line) => `[三 3月 13 11:16:48 2024] ${line}`,
  'dmesg -T in Japanese': (line) => `[水 3月 13 11:16:48 2024] ${line}`,
  'dmesg -d': (line) => `[  +0.000003] ${line}`,
  'dmesg -x': (line, i) => `kern  :warn  : ${stamp(i)} ${line}`,
  'dmesg -r': (line, i) => `<4>${stamp(i)} ${line}`,
  kmsg: (line, i) => `4,${1000 + i},${4242000000 + i},-;${line}`,
  'journalctl -k': (line) => `Mar 13 11:16:48 node-7.example kernel: ${line}`,
  'journalctl in German': (line) => `Mär 13 11:16:48 node-7 kernel: ${line}`,
  'journalctl -o short-iso': (line) => `2024-03-13T11:16:48+0100 node-7 kernel: ${line}`,
  'journalctl -o json': (line) => JSON.stringify({ _HOSTNAME: 'node-7', PRIORITY: '4', MESSAGE: line }),
  'syslog with time stamps': (line, i) => `Mar 13 11:16:48 node-7 kernel: ${stamp(i)} ${line}`,
  'RFC 5424': (line, i) => `<4>1 2024-03-13T11:16:48.123456Z node-7 kernel - - - ${stamp(i)} ${line}`,
  'docker json-file': (line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2024-03-13T11:16:48Z' }),
  logfmt: (line) => `time="2024-03-13T11:16:48Z" level=info msg=${JSON.stringify(line)}`,
  'Go %q': (line) => JSON.stringify(line),
  'kubectl logs --prefix': (line, i) => `[pod/node-shell-x1/shell] ${stamp(i)} ${line}`,
  'docker compose': (line, i) => `kernel-log-1  | ${stamp(i)} ${line}`,
  talosctl: (line) => `172.20.0.2: kern: warning: [2024-03-13T11:16:48.123Z]: ${line}`,
  'mail quoting': (line, i) => `> > ${stamp(i)} ${line}`,
  indentation: (line, i) => `     ${stamp(i)} ${line}`,
  colours: (line, i) => `${ESC}[32m${stamp(i)} ${ESC}[0m${ESC}[1m${line}${ESC}[0m`,
  'carriage returns': (line, i) => `${stamp(i)} ${line}\r`,
};

const wrapped = (lines: readonly string[], wrapping: Wrapping): string => `${lines.map(wrapping).join('\n')}\n`;

describe.each(Object.entries(WRAPPINGS))('wrapped as %s', (_, wrapping) => {
  test.each(IDS)('does report %s say the same?', (id) => {
    const lines = kernelLines(id);
    expect(essence(explainLog(wrapped(lines, wrapping)))).toEqual(essence(explainLog(lines.join('\n'))));
  });
});

test.each(IDS)('does report %s say the same as it was found, and without its prefixes and wraps?', (id) => {
  expect(essence(explainLog(kernelLines(id).join('\n')))).toEqual(essence(explainLog(fixture(id))));
});

test.each(IDS)("does report %s say the same in one line, as rsyslog's #012 and as Go's quotes have it?", (id) => {
  const lines = kernelLines(id);
  const plain = essence(explainLog(lines.join('\n')));
  expect(essence(explainLog(`Mar 13 11:16:48 node-7 kernel: ${lines.join('#012')}\n`))).toEqual(plain);
  expect(essence(explainLog(`level=warn msg=${JSON.stringify(lines.join('\n'))}\n`))).toEqual(plain);
});

/** A mailer's wrap: at the last blank before the width, or in the middle where there is none. */
function hardWrap(line: string, width: number): string {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const at = blank > 30 ? blank : width;
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at).replace(/^ /, '');
  }
  return [...pieces, rest].join('\n');
}

test('does a hard wrap at any width change nothing?', () => {
  const property = fc.property(fc.constantFrom(...IDS), fc.integer({ min: 66, max: 130 }), (id, width) => {
    const lines = kernelLines(id);
    const text = lines.map((line, i) => hardWrap(`${stamp(i)} ${line}`, width)).join('\n');
    expect(essence(explainLog(text))).toEqual(essence(explainLog(lines.join('\n'))));
  });
  fc.assert(property, { numRuns: 150 });
});

test('does the size of the chunks that a log comes in change nothing?', () => {
  const property = fc.property(fc.constantFrom(...IDS), fc.integer({ min: 1, max: 5000 }), (id, size) => {
    const bytes = new TextEncoder().encode(fixture(id));
    const reports: Explanation[] = [];
    const explainer = new OomExplainer((report) => reports.push(report));
    for (let at = 0; at < bytes.length; at += size) explainer.push(bytes.subarray(at, at + size));
    explainer.end();
    expect(reports).toEqual(explainLog(bytes));
  });
  fc.assert(property, { numRuns: 60 });
});

test('is a report that is cut at any byte, before or behind, read without a failure?', () => {
  const property = fc.property(
    fc.constantFrom(...IDS),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.boolean(),
    (id, part, head) => {
      const bytes = new TextEncoder().encode(fixture(id));
      const at = Math.floor(part * bytes.length);
      for (const report of explainLog(head ? bytes.subarray(0, at) : bytes.subarray(at))) {
        expect(() => JSON.stringify(report)).not.toThrow();
      }
    },
  );
  fc.assert(property, { numRuns: 400 });
});

test('is a report with shuffled lines put in order by its time stamps?', () => {
  const whole = IDS.filter((id) => !['22', '29', '16'].includes(id));
  const property = fc.property(
    fc
      .constantFrom(...whole)
      .chain((id) =>
        fc.tuple(
          fc.constant(id),
          fc.shuffledSubarray([...kernelLines(id).keys()], { minLength: kernelLines(id).length }),
        ),
      ),
    ([id, order]) => {
      const lines = kernelLines(id).map((line, i) => `${stamp(i)} ${line}`);
      const shuffled = order.map((i) => lines[i]).join('\n');
      const [report, ...more] = explainLog(shuffled);
      const [plain] = explainLog(lines.join('\n'));
      expect(more).toEqual([]);
      expect(report?.constraint).toBe(plain?.constraint);
      expect(report?.invoker).toBe(plain?.invoker);
      expect(report?.chosen).toEqual(plain?.chosen);
      expect(report?.ranking).toEqual(plain?.ranking);
      expect(report?.memory).toEqual(plain?.memory);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test('are the reports of two hosts, whose lines alternate, kept apart?', () => {
  const [a, b] = [kernelLines('05'), kernelLines('30')].map((lines, host) =>
    lines.map((line) => `Mar 13 11:16:48 host${host} kernel: ${line}`),
  );
  const mixed: string[] = [];
  for (let i = 0; i < Math.max(a?.length ?? 0, b?.length ?? 0); i++)
    mixed.push(...[a?.[i], b?.[i]].filter((line) => line !== undefined));
  const reports = explainLog(mixed.join('\n'));
  const plain = [...explainLog(kernelLines('05').join('\n')), ...explainLog(kernelLines('30').join('\n'))];
  expect(essence(reports)).toEqual(essence(plain));
});

test.each(IDS.filter((id) => id !== '22'))('is report %s, pasted twice, one event?', (id) => {
  const log = kernelLines(id).join('\n');
  const plain = explainLog(log);
  const twice = explainLog(`${log}\n${log}`);
  const kills = (reports: readonly Explanation[]): unknown => reports.flatMap(({ killed }) => killed);
  expect(kills(twice)).toEqual(kills(plain));
});

test.each(IDS)('is report %s read behind a prefix that nobody knows?', (id) => {
  const lines = kernelLines(id).filter((line) => !/^[a-z_0-9]+ \d+$/.test(line));
  const essential = (reports: readonly Explanation[]): unknown =>
    reports.map(({ constraint, killed, ranking, agrees }) => ({ constraint, killed, ranking, agrees }));
  const unknown = lines.map((line) => `node-7/kmsg ~ ${line}`).join('\n');
  expect(essential(explainLog(unknown))).toEqual(essential(explainLog(lines.join('\n'))));
});
