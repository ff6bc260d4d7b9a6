/** The two traces on which replacement policies are compared with libCacheSim, and how a policy is run on one. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { traceBytes } from '../src/cli/trace-input.ts';
import { CacheReplay, type CacheResult } from '../src/program/cache/cache-replay.ts';
import type { CachePolicy } from '../src/program/cache/policy.ts';
import { RequestBuffer } from '../src/program/cache/request-buffer.ts';
import { OracleGeneralReader } from '../src/readers/cache-trace/oracle-general.ts';
import { Damage } from '../src/readers/cache-trace/trace-error.ts';

export const REQUESTS = 20_000_000;
export const OBJECTS = 1_000_000;
const RECORD = 24;

export type TraceName = 'zipf' | 'loop';
const MADE_WITH: Readonly<Record<TraceName, readonly [theta: string, seed: string]>> = {
  zipf: ['0.9', '1'],
  loop: ['0', '0'],
};

/** Makes a trace of 480 MB among the temporary files, unless it is there. Needs gcc. @returns its path */
export function traceFile(name: TraceName): string {
  const folder = join(tmpdir(), 'faultline-cache-traces');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.oracleGeneral.bin`);
  if (existsSync(file) && statSync(file).size === REQUESTS * RECORD) return file;
  const program = join(folder, 'tracegen');
  execFileSync('gcc', ['-O2', '-o', program, join(import.meta.dirname, 'native', 'tracegen.c'), '-lm']);
  execFileSync(program, [name, String(OBJECTS), String(REQUESTS), ...MADE_WITH[name], file]);
  return file;
}

export interface Run {
  readonly requests: number;
  readonly results: readonly CacheResult[];
}

/** Replays an oracleGeneral file on some caches, in one pass. */
export async function replayFile(path: string, caches: readonly CachePolicy[]): Promise<Run> {
  const replay = new CacheReplay(caches);
  const reader = new OracleGeneralReader(new RequestBuffer((requests) => replay.serve(requests)), new Damage(false));
  for await (const bytes of traceBytes(path)) reader.push(bytes);
  reader.end();
  return { requests: replay.requests, results: replay.results() };
}
