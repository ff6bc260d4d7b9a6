/**
 * The simulated kernel has stopped for good (panic() in kernel/panic.c): its user asked for that with vm.panic_on_oom, or
 * memory is used up and nobody may be killed. A fact of the run, not a defect of this program (that is `panic`): whoever
 * drives the machine tells its user, and does not use the machine any further.
 */
export class KernelPanic extends Error {
  override name = 'KernelPanic';
  /** What the kernel's last line says behind "Kernel panic - not syncing: ". */
  readonly reason: string;

  constructor(reason: string) {
    super(`the machine has stopped: Kernel panic - not syncing: ${reason}`);
    this.reason = reason;
  }
}
