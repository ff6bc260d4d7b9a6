/**
 * The machine has no frame left and nothing stands above the allocator yet that could free one. A fact of the run, not a
 * defect: whoever drives the machine tells its user.
 */
export class OutOfMemory extends Error {
  override name = 'OutOfMemory';

  /** @param kilobytes what the machine has (MemTotal) */
  constructor(kilobytes: number, comm: string, pid: number) {
    super(
      `the machine's ${Math.round(kilobytes / 1024)} MiB of memory are used up (by ${comm}, process ${pid}), and this version ` +
        'neither reclaims memory nor swaps: give it more with --memory',
    );
  }
}
