import { CacheReplay } from '../cache-replay.ts';
import type { CachePolicy } from '../policy.ts';
import { RequestBuffer } from '../request-buffer.ts';

/** Serves what `fill` puts into a buffer, calls included. @returns misses */
export function serve(cache: CachePolicy, fill: (requests: RequestBuffer) => void): number {
  const replay = new CacheReplay([cache]);
  const requests = new RequestBuffer((batch) => replay.serve(batch), true);
  fill(requests);
  requests.flush();
  return replay.results()[0].misses;
}
