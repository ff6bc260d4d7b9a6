/** OOM reports explained: from the bytes of a log to answers. */

import type { RebuiltMachine } from '../../machine/from-oom-report.ts';
import { type Explanation, explain } from './explain.ts';
import { parseReport } from './parse-report.ts';
import type { OomReport } from './report.ts';
import { OomScanner } from './scan.ts';
import { machineOfReport } from './to-machine.ts';

export type { Explanation } from './explain.ts';

/** Reads a log in pieces, and explains every OOM event in it. */
export class OomExplainer {
  private readonly scanner: OomScanner;
  private readonly killed = new Set<number>();

  /** @param onExplanation called for each event, in the order of the log */
  constructor(onExplanation: (explanation: Explanation) => void) {
    this.scanner = new OomScanner((raw) => {
      const report = parseReport(raw);
      onExplanation(explain(report, this.killed));
      for (const { pid } of report.kills) this.killed.add(pid);
    });
  }

  push(bytes: Uint8Array): void {
    this.scanner.push(bytes);
  }

  end(): void {
    this.scanner.end();
  }
}

/**
 * The machine that the first report of a log shows which has a task table.
 * @throws RangeError when there is none, or it does not tell enough
 */
export function reportedMachine(log: Uint8Array): RebuiltMachine {
  const reports: OomReport[] = [];
  const scanner = new OomScanner((raw) => reports.push(parseReport(raw)));
  scanner.push(log);
  scanner.end();
  const report = reports.find(({ tasks }) => tasks.rows.length > 0);
  if (report === undefined) throw new RangeError('there is no OOM report with a table of tasks in it');
  return machineOfReport(report, explain(report).rule.total?.pages);
}

/** Explains a log that is at hand as a whole. */
export function explainLog(log: string | Uint8Array): Explanation[] {
  const explanations: Explanation[] = [];
  const explainer = new OomExplainer((explanation) => explanations.push(explanation));
  explainer.push(typeof log === 'string' ? new TextEncoder().encode(log) : log);
  explainer.end();
  return explanations;
}
