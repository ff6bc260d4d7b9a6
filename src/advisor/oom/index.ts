/** OOM reports explained: from the bytes of a log to answers. */
import { type Explanation, explain } from './explain.ts';
import { parseReport } from './parse-report.ts';
import { OomScanner } from './scan.ts';

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

/** Explains a log that is at hand as a whole. */
export function explainLog(log: string | Uint8Array): Explanation[] {
  const explanations: Explanation[] = [];
  const explainer = new OomExplainer((explanation) => explanations.push(explanation));
  explainer.push(typeof log === 'string' ? new TextEncoder().encode(log) : log);
  explainer.end();
  return explanations;
}
