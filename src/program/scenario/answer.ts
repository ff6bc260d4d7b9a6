import { errnoName, isError } from '../../kernel/errno.ts';
import type { FaultSignal } from '../../kernel/process/signal.ts';
import { BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SEGV_PKUERR, SI_KERNEL, SIGBUS, SIGSEGV } from '../../kernel/uapi.ts';

/** What an answer holds: the oracle's keys, in its order (conformance/oracle.c). */
export type AnswerValue = number | string | boolean | AnswerValue[] | { [key: string]: AnswerValue };
export type Answer = { [key: string]: AnswerValue };

/** How a system call or an access ended: a value, a negated error number, or a signal. */
export type Outcome = number | FaultSignal;

export const isSignal = (outcome: Outcome): outcome is FaultSignal => typeof outcome === 'object';
export const succeeded = (outcome: Outcome): outcome is number => !isSignal(outcome) && !isError(outcome);

const SIGNAL_NAMES = new Map([
  [SIGSEGV, 'SIGSEGV'],
  [SIGBUS, 'SIGBUS'],
]);
const SEGV_CODES = new Map([
  [SEGV_MAPERR, 'SEGV_MAPERR'],
  [SEGV_ACCERR, 'SEGV_ACCERR'],
  [SEGV_PKUERR, 'SEGV_PKUERR'],
]);
const BUS_CODES = new Map([
  [1, 'BUS_ADRALN'],
  [BUS_ADRERR, 'BUS_ADRERR'],
  [3, 'BUS_OBJERR'],
  [4, 'BUS_MCEERR_AR'],
]);

/** `SEGV_MAPERR` for si_code 1 of SIGSEGV. */
function codeName(signo: number, code: number): string {
  if (code === SI_KERNEL) return 'SI_KERNEL';
  return (signo === SIGSEGV ? SEGV_CODES : BUS_CODES).get(code) ?? '?';
}

/**
 * Says how an operation ended.
 *
 * @param symbol names an address as the process's scenario does
 * @param silent the operation's value is an address or a descriptor, which answers do not show
 */
export function putOutcome(
  answer: Answer,
  outcome: Outcome,
  symbol: (address: number) => string,
  silent: boolean,
): void {
  if (isSignal(outcome)) {
    const { signo, code, address } = outcome;
    answer.sig = { sig: SIGNAL_NAMES.get(signo) ?? signo, code: codeName(signo, code), addr: symbol(address) };
  } else if (isError(outcome)) {
    answer.errno = errnoName(-outcome);
    if (answer.errno === 'E?') answer.err = -outcome;
  } else if (!silent) {
    answer.ret = outcome;
  }
}
