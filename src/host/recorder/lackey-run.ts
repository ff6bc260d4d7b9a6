/** Recordings from lackey's text: of a command run here when there is no better tool, or of a file that somebody has. */
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { RunCollapser } from '../../program/recording/collapse.ts';
import type { RecordingHeader } from '../../program/recording/header.ts';
import { RecordingWriter } from '../../program/recording/writer.ts';
import { LackeyError, LackeyReader } from '../../readers/lackey.ts';
import { nodeCodec } from '../recording-file.ts';
import { findValgrind } from './build.ts';
import type { CollectorTotals } from './collector.ts';
import type { RecordRequest, RecordResult } from './record.ts';

export interface ImportResult extends CollectorTotals {
  /** The first damaged line, after which nothing was read. */
  readonly damage?: LackeyError;
}

/**
 * Writes a recording of lackey's text. A damaged line ends it; what came before is kept. Nothing is written, and no file
 * made, when nothing came before.
 */
export async function importLackey(
  text: Readable,
  output: string,
  header: (command: string | undefined) => RecordingHeader,
): Promise<ImportResult> {
  let fd = -1;
  try {
    let writer: RecordingWriter | undefined;
    let command: string | undefined;
    const open = (): RecordingWriter => {
      if (fd < 0) fd = openSync(output, 'w');
      const sink = (bytes: Uint8Array): void => {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      };
      writer ??= new RecordingWriter(sink, nodeCodec, header(command));
      return writer;
    };
    const runs = new RunCollapser(0, (block) => {
      if (block.sequence === 0) open().metadata([{ kind: 'process', stream: 0, pid: 1 }]);
      open().block(block);
    });
    const reader = new LackeyReader({
      fetch: (address, size) => runs.fetch(address, size),
      load: (address, size) => runs.load(address, size),
      store: (address, size) => runs.store(address, size),
      modify: (address, size) => runs.modify(address, size),
      command: (told) => {
        command ??= told;
      },
    });
    const damage = await readAll(text, reader);
    runs.finish();
    if (damage !== undefined && writer === undefined) return { ...NOTHING, damage };
    const file = open();
    file.finish();
    const { records, instructions, loads, stores } = file.totals;
    const totals = { processes: 1, records, instructions, accesses: loads + stores, bytes: file.bytes };
    return damage === undefined ? totals : { ...totals, damage };
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

const NOTHING: CollectorTotals = { processes: 0, records: 0, instructions: 0, accesses: 0, bytes: 0 };

async function readAll(text: Readable, reader: LackeyReader): Promise<LackeyError | undefined> {
  try {
    for await (const bytes of text) reader.push(bytes as Uint8Array);
    reader.end();
    return undefined;
  } catch (error) {
    if (error instanceof LackeyError) return error;
    throw error;
  }
}

/** The text in a file, or from standard input for "-". Throws Node's error when there is no such file. */
export const lackeyText = (file: string): Readable =>
  file === '-' ? process.stdin : createReadStream('', { fd: openSync(file, 'r'), highWaterMark: 1 << 20 });

/** Runs the command under lackey. Throws ToolUnavailable without Valgrind. Windows do not exist here: every run is recorded. */
export async function recordWithLackey(request: Omit<RecordRequest, 'tool'>): Promise<RecordResult> {
  const { valgrind, version } = findValgrind();
  const began = performance.now();
  const child = spawn(
    valgrind,
    [
      '-q',
      '--tool=lackey',
      '--trace-mem=yes',
      '--vex-guest-chase=no',
      '--vgdb=no',
      '--log-fd=3',
      '--',
      ...request.command,
    ],
    { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] },
  );
  const ended = new Promise<Pick<RecordResult, 'exitCode' | 'signal'>>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      resolve(signal ? { exitCode: 128 + constants.signals[signal], signal } : { exitCode: code ?? 1 }),
    );
  });
  const ignoreInterrupt = (): void => {};
  process.on('SIGINT', ignoreInterrupt);
  try {
    const text = child.stdio[3] as Readable;
    const { damage, ...totals } = await importLackey(text, request.output, () => ({
      format: 'faultline recording',
      command: request.command,
      mode: { kind: 'exact' },
      source: 'lackey',
      tool: `lackey (${version})`,
      date: request.date,
      cwd: process.cwd(),
    }));
    text.resume();
    const warnings =
      damage === undefined ? [] : [`the recording ends at line ${damage.line} of lackey's text: ${damage.message}`];
    return { ...totals, ...(await ended), seconds: (performance.now() - began) / 1000, warnings };
  } finally {
    process.off('SIGINT', ignoreInterrupt);
  }
}
