/**
 * How fast `explain oom` reads a journal: a generated one, ordinary lines with a full report every so many bytes, pushed in
 * pieces as from a file. Reports MB a second of CPU time, and how much memory the process needed.
 *
 *   npm run bench:oom [-- --mb 1024] [-- --tasks 5000]
 */
import { readFileSync } from 'node:fs';
import { OomExplainer } from '../src/advisor/oom/index.ts';
import { parseArguments } from '../src/cli/arguments.ts';
import { cpuSeconds } from './cpu-clock.ts';

const CHUNK = 1 << 20;
const MB = 1e6;

/** Ordinary lines of a server, as journalctl prints them. */
const TALK = [
  'sshd[2212]: Accepted publickey for deploy from 10.0.3.17 port 51234 ssh2: ED25519 SHA256:Zc0Yq2Vf',
  'systemd[1]: Started Session 4711 of User deploy.',
  'kernel: audit: type=1400 audit(1700000000.123:456): apparmor="ALLOWED" operation="open" profile="snap"',
  'nginx[881]: 10.0.0.9 - - [22/Nov/2026:19:35:01 +0000] "GET /api/v1/items?page=3 HTTP/1.1" 200 5123 "-" "curl/8"',
  'dockerd[1020]: time="2026-11-22T19:35:01Z" level=info msg="ignoring event" container=3f2a topic=/tasks/delete',
  'CRON[7781]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)',
  'postgres[990]: [7-1] LOG:  checkpoint complete: wrote 812 buffers (5.0%); 0 WAL file(s) added, 0 removed',
  'kernel: eth0: renamed from veth81f2a3c',
];

const stamp = (line: number): string => {
  const seconds = Math.floor(line / 40);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `Nov 22 ${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} web-3 `;
};

/** The journal's bytes in pieces; every `every` bytes a report. */
function* journal(bytes: number, every: number, report: readonly string[]): Generator<Buffer> {
  let line = 0;
  let sinceReport = 0;
  let made = 0;
  let kills = 0;
  while (made < bytes) {
    const lines: string[] = [];
    let size = 0;
    while (size < CHUNK) {
      const due = sinceReport >= every;
      const texts = due
        ? report.map((text) => `kernel: [${(line / 40).toFixed(6)}] ${text.replaceAll('PID', String(1000 + kills))}`)
        : [TALK[line % TALK.length] as string];
      if (due) {
        sinceReport = 0;
        kills++;
      }
      for (const text of texts) {
        lines.push(`${stamp(line++)}${text}\n`);
        const added = (lines.at(-1) as string).length;
        size += added;
        sinceReport += added;
      }
    }
    made += size;
    yield Buffer.from(lines.join(''), 'latin1');
  }
}

/** A report with this many tasks: a real one with its table made longer. */
function reportOf(tasks: number): string[] {
  const path = new URL('../src/machine/fixtures/oom-global.txt', import.meta.url);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const row = lines.findLastIndex((line) => /^\[ +\d+\]/.test(line));
  const more = Array.from({ length: tasks }, (_, i) => {
    const pid = String(20_000 + i).padStart(7);
    return `[${pid}]     0 ${pid.slice(2)}     2297     2184     2048        0       136    57344        0             0 worker-${i % 50}`;
  });
  lines.splice(row, 0, ...more);
  return lines.map((line) => line.replaceAll('129', 'PID'));
}

function measure(name: string, bytes: number, every: number, tasks: number): void {
  let reports = 0;
  let agreeing = 0;
  const explainer = new OomExplainer(({ agrees }) => {
    reports++;
    if (agrees === true) agreeing++;
  });
  let seconds = 0;
  let total = 0;
  let most = 0;
  for (const chunk of journal(bytes, every, reportOf(tasks))) {
    const before = cpuSeconds();
    explainer.push(chunk);
    seconds += cpuSeconds() - before;
    total += chunk.length;
    most = Math.max(most, process.memoryUsage().rss);
  }
  explainer.end();
  console.log(
    `${name.padEnd(28)} ${(total / MB).toFixed(0).padStart(5)} MB in ${seconds.toFixed(2).padStart(6)} s: ` +
      `${(total / MB / seconds).toFixed(0).padStart(4)} MB/s, ${reports} reports, ${agreeing} agree, RSS at most ${(most / MB).toFixed(0)} MB`,
  );
}

const parsed = parseArguments(process.argv.slice(2), { mb: 'value', tasks: 'value' });
const bytes = Number(parsed.value('mb') ?? 1024) * MB;
const tasks = Number(parsed.value('tasks') ?? 30);
measure('no kill', bytes, Number.POSITIVE_INFINITY, tasks);
measure('a kill every 100 MB', bytes, 100 * MB, tasks);
measure('a kill every MB', bytes, MB, tasks);
measure('a kill every 100 kB', bytes, MB / 10, tasks);
