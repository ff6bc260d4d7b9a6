/** A signal that a fault raises (the siginfo fields that concern memory). */
export interface FaultSignal {
  /** SIGSEGV or SIGBUS. */
  readonly signo: number;
  /** SEGV_MAPERR, BUS_ADRERR, SI_KERNEL ... */
  readonly code: number;
  /** si_addr, in bytes. */
  readonly address: number;
}
