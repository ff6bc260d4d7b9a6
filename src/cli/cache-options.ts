import { POLICIES } from '../program/cache/policies/index.ts';
import type { PolicyEntry } from '../program/cache/policy.ts';
import { suggestion } from '../program/scenario/nearest.ts';
import { UserError } from './user-error.ts';

/** The machine's own page cache, which replays no trace yet. */
const LINUX = 'linux';
const ALL = 'all';

/** The value of --cache-policy: names separated by commas, or `all`. @throws {UserError} an unknown name */
export function cachePolicies(text: string): PolicyEntry[] {
  const names = text.split(',').flatMap((name) => (name === ALL ? POLICIES.map((policy) => policy.name) : [name]));
  return [...new Set(names)].map((name) => {
    const policy = POLICIES.find((each) => each.name === name);
    if (policy !== undefined) return policy;
    const known = POLICIES.map((each) => each.name);
    if (name === LINUX) {
      throw new UserError(
        `the policy linux, the machine's own page cache, replays no traces yet; there are ${known.join(', ')}`,
      );
    }
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

/** @param footprint distinct objects of the trace */
export const objectsOf = (size: CacheSize, footprint: number): number =>
  'objects' in size ? size.objects : Math.max(1, Math.round(size.share * footprint));
