import type { PhysicalMemory } from '../hardware/physical-memory.ts';
import type { Pfn, Vpn } from '../hardware/units.ts';
import { AddressSpaces } from './address-space/address-spaces.ts';
import { Commitments } from './address-space/overcommit.ts';
import { AddressSpaceCalls } from './address-space/system-calls.ts';
import type { Vma } from './address-space/vma.ts';
import type { KernelBoot } from './boot.ts';
import { CgroupTree } from './cgroup/cgroup-tree.ts';
import { MemCgroups } from './cgroup/mem-cgroups.ts';
import { pageCharging } from './cgroup/page-charging.ts';
import { Compaction } from './compaction/compaction.ts';
import type { PageCore } from './core.ts';
import { EINVAL, EPERM } from './errno.ts';
import { FaultHandler } from './fault/fault.ts';
import { FileFaults } from './fault/file-fault.ts';
import { VM_FAULT_ERROR } from './fault/outcome.ts';
import { Populate } from './fault/populate.ts';
import { swapFault } from './fault/swap-fault.ts';
import { UserAccess } from './fault/user-access.ts';
import { BELOW_LOW, FrameAllocator } from './frames/allocator.ts';
import type { FrameTable } from './frames/frame-table.ts';
import { LruLists } from './frames/lru.ts';
import { refill, relieve } from './frames/relief.ts';
import { UserPages } from './frames/user-pages.ts';
import { Hugetlb } from './hugetlb/hugetlb.ts';
import { setHugetlbSysctl } from './hugetlb/sysctls.ts';
import { SharedMemory } from './ipc/shm.ts';
import { KernelLog } from './kernel-log.ts';
import type { AllocationPoint } from './oom/oom-control.ts';
import { OomKiller } from './oom/out-of-memory.ts';
import { FileCalls } from './page-cache/system-calls.ts';
import type { Workingset } from './page-cache/workingset.ts';
import { WB_REASON_VMSCAN } from './page-cache/write-back-trace.ts';
import { PageAdvice } from './page-table/advice.ts';
import { PageOperations } from './page-table/page-operations.ts';
import { PageTables } from './page-table/page-tables.ts';
import { panic } from './panic.ts';
import { type Params, setSysctl } from './params.ts';
import { SystemFiles } from './proc/tree/system-files.ts';
import { type ExecRequest, exec, type VdsoImage } from './process/exec.ts';
import { execServices } from './process/exec-services.ts';
import type { Process, Task } from './process/process.ts';
import { traceExec } from './process/process-trace.ts';
import { Processes } from './process/processes.ts';
import { TlbState } from './process/tlb-state.ts';
import { Psi } from './psi/psi.ts';
import { GroupStats } from './reclaim/group-stats.ts';
import { Reclaim } from './reclaim/reclaim.ts';
import { AnonVmas } from './rmap/anon-vmas.ts';
import { ReverseMap } from './rmap/rmap.ts';
import { Slab } from './slab/slab.ts';
import { kernelFrame, vdsoImage } from './special-mappings.ts';
import { SwapReadahead } from './swap/readahead.ts';
import { Swap } from './swap/swap.ts';
import { swapoff } from './swap/swapoff.ts';
import { findArea, type SwaponRequest, swapon, swaponLine } from './swap/swapon.ts';
import { HugePages } from './thp/huge-pages.ts';
import { pmdEnabled } from './thp/settings.ts';
import { splitAnonFolio } from './thp/split-folio.ts';
import type { Timers } from './time/clock.ts';
import { EventLog } from './tracepoints.ts';
import { SIGKILL } from './uapi.ts';
import { VmStat } from './vmstat.ts';

/**
 * The kernel: it owns every subsystem and hands each the few functions of others that it needs. No subsystem knows this
 * class.
 */
export class Kernel implements PageCore {
  readonly memory: PhysicalMemory;
  readonly table: FrameTable;
  readonly contents: 'bytes' | 'none';
  readonly clock: Timers;
  readonly params: Params;
  /** What may be promised to programs follows from these. */
  readonly #totals: { ramPages: number; swapPages: number; readonly hugetlbPages: number };
  readonly vmstat = new VmStat();
  readonly trace: EventLog;
  readonly allocator: FrameAllocator;
  readonly lru: LruLists;
  readonly pages: UserPages;
  readonly pageTables: PageTables;
  readonly anonVmas = new AnonVmas();
  readonly rmap: ReverseMap;
  readonly thp: HugePages;
  readonly compaction: Compaction;
  readonly tlb: TlbState;
  readonly zeroFrame: Pfn;
  readonly commitments: Commitments;
  readonly hugetlb: Hugetlb;
  readonly shm: SharedMemory;
  readonly cgroups: MemCgroups;
  /** Groups as folders with files. */
  readonly cgroupTree: CgroupTree;
  readonly groupStats: GroupStats;
  readonly slab: Slab;
  readonly psi: Psi;
  /** The task that runs now: who pays for what is allocated. */
  current: Task | undefined;
  /** The kernel's log, oldest line first (dmesg). */
  readonly log: KernelLog;
  readonly oom: OomKiller;
  readonly files: FileCalls;
  readonly reclaim: Reclaim;
  readonly swap: Swap;
  readonly #swapReadahead: SwapReadahead;
  readonly faults: FaultHandler;
  readonly userAccess: UserAccess;
  /** The system calls of programs. */
  readonly addressSpaces: AddressSpaces;
  /** The same for the kernel's own use, which is not traced. */
  readonly #spaces: AddressSpaces;
  readonly processes: Processes;
  /** /proc and /sys. */
  readonly systemFiles: SystemFiles;
  /** The mappings that exec gives to every program. */
  readonly special: VdsoImage;

  constructor(boot: KernelBoot) {
    this.memory = boot.memory;
    this.table = boot.table;
    this.contents = boot.contents;
    this.clock = boot.clock;
    this.params = boot.params;
    this.trace = new EventLog(boot.clock);
    this.log = new KernelLog(boot.clock);
    this.oom = new OomKiller({
      core: this,
      processes: () => this.processes.all.values(),
      exit: (process, ending) => this.processes.exit(process, ending),
      log: (line) => this.log.push(line),
      kswapdGaveUp: () => this.reclaim.kswapdGaveUp,
    });
    this.allocator = new FrameAllocator(boot.table, {
      ...boot.params,
      hugePages: boot.transparentHugePages !== 'never',
    });
    this.lru = new LruLists(boot.table, this.vmstat);
    this.cgroups = new MemCgroups(boot.table.memcg, {
      version: boot.cgroups,
      cpus: boot.cpus.length,
      clock: boot.clock,
      memstall: (_group, begins) => (begins ? this.psi.enter() : this.psi.leave()),
      reclaim: (group, pages, maySwap) => this.reclaim.cgroup(group, pages, maySwap),
      notePressure: () => {
        this.allocator.pressure = Math.max(this.allocator.pressure, BELOW_LOW);
      },
      oomKill: (group, task, point) => this.oom.group(group, task, point),
    });
    this.groupStats = new GroupStats(this.lru, this.vmstat, boot.clock, () => this.cgroups.all);
    this.psi = new Psi({
      clock: boot.clock,
      payer: () => this.cgroups.get(this.current?.mm.memcg ?? 0),
    });
    this.slab = new Slab({
      table: boot.table,
      allocator: this.allocator,
      vmstat: this.vmstat,
      trace: this.trace,
      params: boot.params,
      cgroups: this.cgroups,
      groupStats: this.groupStats,
      dropShadowNodes: (group, nodes) => this.files.dropShadowNodes(group, nodes),
    });
    const charging = pageCharging(this, () => refill(this, this.reclaim));
    this.pages = new UserPages(boot.memory, boot.table, this.allocator, this.lru, this.vmstat, this.trace, charging);
    this.pageTables = new PageTables(boot.memory, this.pages, boot.levels);
    this.tlb = new TlbState(boot.cpus, this.trace);
    this.rmap = new ReverseMap({
      ...this.#shared(),
      inodeOf: (id) => this.files.inode(id),
      partiallyMapped: (head) => this.thp.deferred.add(head, true),
    });
    this.thp = new HugePages(this, boot.transparentHugePages);
    this.compaction = new Compaction(this);
    this.zeroFrame = kernelFrame(this, 0);

    const { allocator, params } = this;
    this.hugetlb = new Hugetlb(this, {
      reclaim: () => this.reclaim.direct(),
      log: (line) => this.log.push(line),
    });
    const { hugetlb } = this;
    this.#totals = {
      ramPages: allocator.managed,
      swapPages: 0,
      get hugetlbPages() {
        return hugetlb.totalPages;
      },
    };
    this.commitments = new Commitments(params, this.#totals);
    this.files = new FileCalls(this, {
      promise: (task, pages) => this.commitments.promise(task.process, task.mm, pages),
      release: (pages) => this.commitments.release(pages),
      userAccess: () => this.userAccess,
      swapReader: () => this.#swapReadahead,
    });
    this.swap = new Swap(this);
    this.#swapReadahead = new SwapReadahead(this, this.swap, params);
    this.thp.khugepaged.swapIn = (vma, page, slot) =>
      this.#swapIn(this.current ?? panic('khugepaged: no task has ever run'), vma, page, slot);
    this.reclaim = new Reclaim(this, {
      stats: this.groupStats,
      timed: boot.timed,
      wakeFlusher: () => this.files.flusher.startAll(WB_REASON_VMSCAN),
      waitForWriteback: (head) => this.files.waitForWriteback(head),
      growAge: (group, pages) => this.files.workingset.grow(group, pages),
      shrinkSlab: (group, priority) => {
        this.thp.deferred.shrink(group.id, priority);
        return this.slab.shrink(group, priority);
      },
      psi: this.psi,
      mms: () => new Set([...this.processes.all.values()].map(({ mm }) => mm)),
    });
    this.lru.onEvent = (cgroup, item) => this.cgroups.count(cgroup, item);
    this.lru.setGenerations((boot.params.lruGen & 1) !== 0);
    this.lru.onActivation = (frame) => this.files.workingset.grow(this.table.memcg[frame] as number, 1);
    const fileFaults = new FileFaults(this, this.files);
    this.faults = new FaultHandler(
      this,
      fileFaults,
      {
        expandStack: (task, vma, page) => this.addressSpaces.expandStack(task, vma, page),
      },
      this.#swapReadahead,
    );
    this.userAccess = new UserAccess(() => boot.cpus[this.tlb.current] ?? panic('kernel: no CPU'), this.faults);
    const spaces = {
      pages: new PageOperations(this, new Populate(this, this.faults)),
      advice: new PageAdvice(this, {
        reclaimPages: (frames) => this.reclaim.pages(frames),
        swapIn: (task, vma, page, slot) => this.#swapIn(task, vma, page, slot),
        readSwapAhead: (task, entry) => this.swap.readIntoCache(task, entry, true),
        readSharedAhead: (task, inode, first, end) => this.files.shmem.swap.readAhead(task, inode, first, end),
      }),
      files: this.files,
      hugetlb,
      params,
      commitments: this.commitments,
    };
    this.#spaces = new AddressSpaces(spaces);
    this.addressSpaces = new AddressSpaceCalls(spaces, this.trace);
    this.shm = new SharedMemory({
      hugetlb,
      clock: this.clock,
      spaces: this.addressSpaces,
      files: this.files,
      promise: (task, pages) => this.commitments.promise(task.process, task.mm, pages),
    });
    this.processes = new Processes(this, this.tlb, {
      dupMmap: (process, from, to, copy) => this.addressSpaces.dupMmap(process, from, to, copy),
      exitMmap: (mm) => this.addressSpaces.exitMmap(mm),
      getFile: (file) => this.files.get(file),
      putFile: (file) => this.files.put(file),
    });
    this.cgroupTree = new CgroupTree({
      core: this,
      all: () => this.processes.all.values(),
      reclaim: (group, pages, maySwap) => this.reclaim.cgroup(group, pages, maySwap),
      reclaimProactively: (group, pages, swappiness) =>
        this.reclaim.cgroup(group, pages, true, 'proactive', swappiness),
      kill: (pid) => {
        const process = this.processes.all.get(pid);
        if (process !== undefined) this.processes.exit(process, { signal: SIGKILL });
      },
      drainStocks: (group) => this.cgroups.drainStocks(group),
      drainLru: () => this.lru.drain(),
      oomKill: (group) => this.oom.group(group, undefined, 'write'),
      pressure: (group) => this.psi.text(group.id),
    });
    this.systemFiles = new SystemFiles(this);
    this.special = vdsoImage(this);
  }

  /** Brings a page in from swap for whoever is not at a fault (do_swap_page). */
  #swapIn(task: Task, vma: Vma, page: Vpn, slot: number): boolean {
    return (swapFault(this, this.#swapReadahead, task, vma, page, slot, 0) & VM_FAULT_ERROR) === 0;
  }

  /** What the reverse map works with: it is made before the kernel is whole. */
  #shared(): Pick<PageCore, 'table' | 'pageTables' | 'anonVmas' | 'pages' | 'lru' | 'vmstat'> {
    const { table, pageTables, anonVmas, pages, lru, vmstat } = this;
    return { table, pageTables, anonVmas, pages, lru, vmstat };
  }

  markDirty(frame: Pfn): void {
    this.files.markDirty(frame);
  }

  evictFromCache(frame: Pfn, target: number): void {
    this.files.evict(frame, target);
  }

  noteRefault(group: number, isFile: boolean, pages: number): void {
    this.reclaim.noteRefault(this.cgroups.get(group), isFile, pages);
  }

  moveInCache(from: Pfn, to: Pfn): void {
    this.files.moveFrame(from, to);
  }

  splitFolio(frame: Pfn): void {
    const head = this.table.headOf(frame);
    if (this.table.isAnonymous(head)) splitAnonFolio(this, head);
    else this.files.splitFolio(frame);
  }

  moveToSwap(frame: Pfn): boolean {
    return this.files.moveToSwap(frame);
  }

  get workingset(): Workingset {
    return this.files.workingset;
  }

  /** Writes /sys/kernel/mm/lru_gen/enabled. @param bits 1: MGLRU, 2: its walks of page tables, 4: of directories */
  setLruGen(bits: number): void {
    this.params.lruGen = bits;
    this.lru.setGenerations((bits & 1) !== 0);
  }

  relieve(task: Task, point: AllocationPoint): boolean {
    const needs = {
      reclaim: this.reclaim,
      outOfMemory: (who: Task, where: AllocationPoint) => this.oom.machine(who, where),
    };
    return relieve(this, needs, task, point);
  }

  /**
   * Takes a swap area out of use (swapoff(2)).
   * @param caller the process that asks; left out, the administrator
   * @returns 0, -EPERM (no CAP_SYS_ADMIN), -EINVAL (not in use), or -ENOMEM when memory cannot hold what is in it
   */
  swapoff(path: string, caller?: Process): number {
    if (caller !== undefined && !caller.credentials.sysAdmin) return -EPERM;
    const area = findArea(this.swap, path);
    if (area === undefined) return -EINVAL;
    const mms = [...new Set([...this.processes.all.values()].map((process) => process.mm))];
    const error = swapoff(this, this.files, area, mms);
    this.#totals.swapPages = this.swap.total;
    return error;
  }

  /** Puts a swap area into use (swapon(2)): see `swapon` in swap/swapon.ts. @returns 0, or a negated errno */
  swapon(request: SwaponRequest, caller?: Process): number {
    const error = swapon(this.swap, request, caller);
    const area = findArea(this.swap, request.path);
    if (error === 0 && area !== undefined) this.log.push(swaponLine(area, request.flags ?? 0));
    this.#totals.swapPages = this.swap.total;
    return error;
  }

  /**
   * Replaces the program of a process, on the CPU that runs it now.
   * @returns 0, or a negated errno
   */
  exec(task: Task, request: ExecRequest): number {
    traceExec(this.trace, task.process, request.program.file.inode.name);
    return exec(execServices(this, this.#spaces, task), task, request);
  }

  /**
   * Sets a sysctl and lets it act.
   * @returns 'unknown' for a name that this machine does not have, 'invalid' for a value that the kernel refuses
   */
  sysctl(name: string, value: number): 'set' | 'unknown' | 'invalid' {
    const pool = setHugetlbSysctl(this.hugetlb, name, value);
    if (pool !== 'unknown') return pool;
    const period = this.params.dirtyWritebackCentisecs;
    const result = setSysctl(this.params, name, value);
    if (result === 'set') this.#applyParams();
    const { dirtyWritebackCentisecs } = this.params;
    if (dirtyWritebackCentisecs > 0 && dirtyWritebackCentisecs !== period) this.files.flusher.periodChanged();
    return result;
  }

  /**
   * Writes a file below /sys/kernel/mm/transparent_hugepage and lets it act.
   * @returns 0, -EINVAL for a value that the kernel refuses, undefined when no such file can be written
   */
  writeThp(name: string, text: string): number | undefined {
    const result = this.thp.write(name, text);
    if (result === 0) this.#applyParams();
    return result;
  }

  /** After a snapshot brought other sysctls and swap areas: what follows from them is computed anew. */
  sysctlsRestored(): void {
    this.#applyParams();
    this.#totals.swapPages = this.swap.total;
  }

  #applyParams(): void {
    this.allocator.setParams({ ...this.params, hugePages: pmdEnabled(this.thp.settings) });
  }
}
