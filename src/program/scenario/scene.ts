import type { PeakFile } from '../../kernel/cgroup/cgroup-tree.ts';
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
import { EINVAL } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Inode } from '../../kernel/page-cache/inode.ts';
import { type FileCache, fileCacheOf } from '../../kernel/proc/file-cache.ts';
import { type CommitState, meminfoOf } from '../../kernel/proc/meminfo.ts';
import type { Machine } from '../../machine/machine.ts';
import type { OpenHostFile } from './host-files.ts';
import { OperationCosts } from './operation-costs.ts';
import type { Scenario } from './parser.ts';
import { ProcessFactory } from './process-factory.ts';
import { ScenarioFiles } from './scenario-files.ts';
import type { ScenarioProcess } from './scenario-process.ts';
import { parseSize } from './size.ts';

/**
 * Pages that other processes of the recording machine had been promised while the answers were recorded: Committed_AS
 * counts them, and nothing else that a scenario sees.
 */
const COMMITTED_BY_OTHERS = 46_784;

/** Where a line of the log names a process, and the second place in a row of the task table. */
const PID = /(\bpid=|\bPID: |\bprocess |^\[ *)(\d+)\b/g;
const TGID = /^(\[ *\S+\] +\d+ +)(\d+)\b/;

/** A scenario on its way: the machine that it runs on, and what its lines have made there. */
export class Scene {
  readonly machine: Machine;
  readonly files: ScenarioFiles;
  readonly processes: Map<string, ScenarioProcess> = new Map();
  /** Memory cgroups by name. */
  readonly groups: Map<string, MemCgroup> = new Map();
  /** Files of groups that lines have opened, by name. */
  readonly groupFiles: Map<string, PeakFile> = new Map();
  /** Lines of the trace that runs now. */
  traced: string[] = [];
  readonly speaksOfStack: boolean;
  readonly openHostFile: OpenHostFile;
  readonly #factory: ProcessFactory;
  #vmstatBefore: Float64Array;
  #logSeen = 0;

  constructor(machine: Machine, scenario: Scenario, openHostFile: OpenHostFile) {
    this.machine = machine;
    this.openHostFile = openHostFile;
    this.speaksOfStack = scenario.speaksOfStack;
    const isVm = scenario.vm !== undefined;
    this.files = new ScenarioFiles(machine, scenario.directory, isVm);
    this.#factory = new ProcessFactory(machine, this.files, new OperationCosts(machine), isVm);
    // In a VM hardly anything else runs.
    if (scenario.vm === undefined) machine.kernel.commitments.release(-COMMITTED_BY_OTHERS);
    this.#vmstatBefore = machine.kernel.vmstat.save();
  }

  get kernel(): Kernel {
    return this.machine.kernel;
  }

  /** Lines of the kernel's log that no answer has shown; the scenario's processes stand by name, as `<A>`. */
  newLogLines(): string[] {
    const lines = this.kernel.log.lines.slice(this.#logSeen);
    this.#logSeen = this.kernel.log.lines.length;
    const names = new Map([...this.processes.values()].map(({ name, task }) => [String(task.process.pid), name]));
    const named = (_: string, before: string, pid: string): string =>
      before + (names.has(pid) ? `<${names.get(pid)}>` : pid);
    return lines.map((line) => line.replace(PID, named).replace(TGID, named));
  }

  /** What the views of kernel/proc read. */
  get procSource(): Kernel {
    return this.machine.kernel;
  }

  filePath(name: string): string {
    return this.files.path(name);
  }

  /** @param group the memory cgroup that it joins when its own code and buffers are there */
  spawn(name: string, group?: MemCgroup): void {
    const process = this.#factory.spawn(name, this.#freeSlot());
    if (group !== undefined) process.task.mm.memcg = group.id;
    this.processes.set(name, process);
  }

  /** @returns 0 or more, or a negated error number */
  fork(parent: ScenarioProcess, name: string): number {
    const child = this.#factory.fork(parent, name, this.#freeSlot());
    if (typeof child === 'number') return child;
    this.processes.set(name, child);
    return child.task.tid;
  }

  /** The lowest place of the arena that no living process has. */
  #freeSlot(): number {
    const taken = new Set([...this.processes.values()].filter(({ alive }) => alive).map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  /** Puts pages that wait in per-CPU batches on their lists (lru_add_drain). */
  drain(): void {
    this.kernel.lru.drain();
  }

  sleep(nanoseconds: number): void {
    this.machine.clock.sleep(nanoseconds);
  }

  /** Pages of a file in the cache, -1 for no file. */
  cachedPages(inode: Inode | undefined): number {
    return inode === undefined ? -1 : inode.pages.present;
  }

  /** What the page cache holds of a file, or of each file that the scenario has made. */
  fileCaches(name?: string): FileCache[] {
    const one = name === undefined ? undefined : this.files.find(name);
    const inodes = name === undefined ? this.files.own() : one === undefined ? [] : [one];
    return inodes.map((inode) => fileCacheOf(this.kernel, inode));
  }

  /** @returns 0, a negated error number, or that this machine has no such sysctl */
  setSysctl(name: string, text: string): number | 'unknown' {
    const value = parseSize(text);
    const result = this.kernel.sysctl(name, value ?? Number.NaN);
    if (result === 'unknown') return result;
    return result === 'set' ? 0 : -EINVAL;
  }

  get #commit(): CommitState {
    const { limit, committed } = this.kernel.commitments;
    return { limit, committed };
  }

  meminfo(): Record<string, number> {
    return meminfoOf(this.kernel, this.#commit);
  }

  beginVmstat(): void {
    this.#vmstatBefore = this.kernel.vmstat.save();
  }

  /** Events since `beginVmstat`, by name. */
  endVmstat(): [name: string, happened: number][] {
    return this.kernel.vmstat.eventsSince(this.#vmstatBefore);
  }

  /** @returns the text of a file of /proc or /sys, a negated errno, or undefined for one that this machine does not have */
  readSystemFile(path: string): string | number | undefined {
    if (path.endsWith('queue/read_ahead_kb')) return `${this.files.readaheadKbOf(path)}\n`;
    return this.kernel.systemFiles.file(path)?.read?.();
  }
}
