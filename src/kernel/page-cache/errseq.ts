/**
 * A place for the last write error of a file, which each open file hears of once (lib/errseq.c): the error's number in
 * the low 12 bits, above it whether anyone has seen it, above that a counter that moves when a seen error is replaced.
 */
const MAX_ERRNO = 4095;
const ERRSEQ_SEEN = 1 << 12;
const ERRSEQ_CTR_INC = 1 << 13;

/** What holds such a place: an inode, or a whole file system. */
export interface ErrseqHolder {
  writeError: number;
}

/** Records an error (errseq_set). @param errno positive */
export function errseqSet(holder: ErrseqHolder, errno: number): void {
  const old = holder.writeError;
  const value = ((old & ~(MAX_ERRNO | ERRSEQ_SEEN)) | errno) >>> 0;
  // Nobody can tell two errors apart that nobody looked at between them.
  holder.writeError = old & ERRSEQ_SEEN ? (value + ERRSEQ_CTR_INC) >>> 0 : value;
}

/** From where a new open file listens: an error that nobody has seen yet is news to it as well (errseq_sample). */
export const errseqSample = ({ writeError }: ErrseqHolder): number => (writeError & ERRSEQ_SEEN ? writeError : 0);

/**
 * Whether an error came since `since` (errseq_check_and_advance); it counts as seen from then on.
 * @returns 0 or the negated errno, and where to listen from next
 */
export function errseqCheckAndAdvance(holder: ErrseqHolder, since: number): readonly [error: number, since: number] {
  if (holder.writeError === since) return [0, since];
  holder.writeError = (holder.writeError | ERRSEQ_SEEN) >>> 0;
  const errno = holder.writeError & MAX_ERRNO;
  return [errno === 0 ? 0 : -errno, holder.writeError];
}
