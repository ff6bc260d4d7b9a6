import { Worker } from 'node:worker_threads';
import type { Measures } from '../sweep/measures.ts';
import type { SweepNews, SweepTask, SweepWork } from './sweep-worker.ts';
import { UserError } from './user-error.ts';

/** Beside this file, in the source and among the built files. */
const WORKER = new URL(import.meta.url.replace(/sweep-threads\.([jt]s)$/, 'sweep-worker.$1'));

/**
 * Replays a recording on many machines at once, a thread for each of some processors.
 *
 * @param points the options of each, as a command line of `replay`
 * @param told the share of the work that is done, of 1
 * @returns what was measured at each point, in their order
 * @throws {UserError} the recording cannot be replayed
 */
export async function sweep(
  path: string,
  points: readonly (readonly string[])[],
  threads: number,
  told: (share: number) => void,
): Promise<Measures[]> {
  const answers: Measures[] = [];
  const shares = points.map(() => 0);
  let next = 0;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const workerData: SweepWork = { path };
      const worker = new Worker(WORKER, { workerData });
      const end = (settle: () => void): void => {
        worker.terminate().then(settle, reject);
      };
      const give = (): void => {
        const point = next++;
        const args = points[point];
        if (args === undefined) end(resolve);
        else worker.postMessage({ point, args } satisfies SweepTask);
      };
      worker.on('error', (error) => end(() => reject(error)));
      worker.on('message', (news: SweepNews) => {
        if ('damaged' in news) {
          end(() => reject(new UserError(`${path}: ${news.damaged}`)));
          return;
        }
        shares[news.point] = 'share' in news ? news.share : 1;
        told(shares.reduce((sum, share) => sum + share, 0) / points.length);
        if (!('measures' in news)) return;
        answers[news.point] = news.measures;
        give();
      });
      give();
    });
  await Promise.all(Array.from({ length: Math.min(threads, points.length) }, work));
  return answers;
}
