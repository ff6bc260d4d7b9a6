/** `faultline explain oom`: reads OOM reports out of a log and answers who, why, and what would have helped. */
import { createReadStream } from 'node:fs';
import { type Explanation, OomExplainer } from '../advisor/oom/index.ts';
import { explanationText } from '../advisor/oom/words.ts';
import { suggestion } from '../program/scenario/nearest.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { unreadable } from './read-input.ts';
import { EXIT_OK, UserError } from './user-error.ts';

const USAGE = `usage: faultline explain oom FILE|- [--json]

Reads the kernel's OOM reports out of a log (dmesg, journalctl, syslog, JSON, kubectl, mail; whole, cut or wrapped) and
says what ran out, who asked, who was killed and why, where the memory was, what would have changed the outcome and
who dies next. Nothing is sent anywhere.

  --json    {"reports": [{kernel, constraint, invoker, killed, ranking, agrees, memory, whatIf, ...}]}

example: journalctl -k | faultline explain oom -
`;

const CHUNK = 1 << 20;

export const command: Command = {
  usage: USAGE,
  async run(args) {
    const parsed = parseArguments(args, { json: 'flag' });
    const [subject, path, ...more] = parsed.operands;
    if (subject !== 'oom') {
      const hint = subject === undefined ? '' : `, not "${subject}"${suggestion(subject, ['oom'])}`;
      throw new UserError(`explain explains oom${hint}; see faultline explain --help`);
    }
    if (path === undefined) throw new UserError('explain oom needs a FILE, or - for standard input');
    if (more.length > 0) throw new UserError(`explain oom takes one FILE; "${more[0]}" is one too many`);
    await (parsed.has('json') ? asJson(path) : asText(path));
    return EXIT_OK;
  },
};

/** Prints each event as soon as it is known, so that a log of any length needs no more memory than one event. */
async function asText(path: string): Promise<void> {
  let count = 0;
  await explain(path, (explanation) => {
    process.stdout.write(`${count === 0 ? '' : '\n'}${explanationText(explanation, ++count)}`);
  });
  if (count === 0) {
    process.stdout.write(
      `${path === '-' ? 'standard input' : path}: no OOM report in it, so nobody was killed as far as it tells\n`,
    );
  }
}

async function asJson(path: string): Promise<void> {
  let count = 0;
  // Text is held back until the input could be read: an unreadable file prints nothing but its error.
  const head = (): string => (count++ === 0 ? '{"reports":[\n' : ',\n');
  await explain(path, (explanation) => {
    process.stdout.write(head() + JSON.stringify(explanation));
  });
  process.stdout.write(count === 0 ? '{"reports":[]}\n' : '\n]}\n');
}

async function explain(path: string, onExplanation: (explanation: Explanation) => void): Promise<void> {
  const explainer = new OomExplainer(onExplanation);
  const input: AsyncIterable<Uint8Array> =
    path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK });
  const chunks = input[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await chunks.next().catch((error: unknown) => {
      throw unreadable(path, error);
    });
    if (done === true) break;
    explainer.push(value as Uint8Array);
  }
  explainer.end();
}
