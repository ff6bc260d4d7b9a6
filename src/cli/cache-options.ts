import { POLICIES, policyNamed } from '../program/cache/policies/index.ts';
import type { PolicyEntry } from '../program/cache/policy.ts';
import { suggestion } from '../program/scenario/nearest.ts';
import { UserError } from './user-error.ts';

const ALL = 'all';

/** The value of --cache-policy: names separated by commas, or `all`. @throws {UserError} an unknown name */
export function cachePolicies(text: string): PolicyEntry[] {
  const known = POLICIES.map((policy) => policy.name);
  const names = text.split(',').flatMap((name) => (name === ALL ? known : [name]));
  return [...new Set(names)].map((name) => {
    const policy = policyNamed(name);
    if (policy !== undefined) return policy;
    throw new UserError(
      `unknown cache policy "${name}"${suggestion(name, known) || `; there are ${known.join(', ')}`}`,
    );
  });
}

/** How many objects a cache holds: a number of them, or a share of the distinct objects of the trace. */
export type CacheSize = { readonly objects: number } | { readonly share: number };

const SIZE = /^(\d+(?:\.\d+)?)(k|M|%)?$/;
const THOUSANDS: Readonly<Record<string, number>> = { k: 1e3, M: 1e6 };
/** Three columns of 32 bits for each object of the largest cache. */
const MOST = 2 ** 28;

/** The value of --cache-size: `5000`, `10k`, `1M` or `1%`, separated by commas. @throws {UserError} a size that is none */
export function cacheSizes(text: string): CacheSize[] {
  return text.split(',').map((size) => {
    const [, digits, unit = ''] = SIZE.exec(size) ?? [];
    const number = Number(digits);
    if (digits === undefined || number === 0 || (unit === '%' && number > 100)) {
      throw new UserError(
        `"${size}" is no cache size; sizes are numbers of objects, as 5000, 10k, 1M, or shares, as 1%`,
      );
    }
    if (unit === '%') return { share: number / 100 };
    const objects = Math.round(number * (THOUSANDS[unit] ?? 1));
    if (objects > MOST) throw new UserError(`a cache of ${size} objects is too large; ${MOST} is the most`);
    return { objects: Math.max(1, objects) };
  });
}

/**
 * How many objects a policy's cache holds.
 * @param footprint distinct objects of the trace
 * @throws {UserError} it is more than this policy can have
 */
export function cacheCapacity(policy: PolicyEntry, size: CacheSize, footprint: number): number {
  const objects = 'objects' in size ? size.objects : Math.max(1, Math.round(size.share * footprint));
  const { largest = MOST, name } = policy;
  if (objects > largest)
    throw new UserError(`a cache of ${objects} objects is too large for the policy ${name}; ${largest} is the most`);
  return objects;
}

const KB_PER_PAGE = 4;
const MOST_READ_AHEAD = 1 << 20;

/** The value of --read-ahead, KiB as queue/read_ahead_kb, in pages. @throws {UserError} it is no such size */
export function readAheadPages(text: string): number {
  const kb = Number(text);
  if (!/^\d+$/.test(text) || kb > MOST_READ_AHEAD)
    throw new UserError(`"${text}" is no size of readahead; it is a number of KiB from 0 to ${MOST_READ_AHEAD}`);
  return Math.floor(kb / KB_PER_PAGE);
}
