/**
 * Every policy once more, as slow and as plain as can be: arrays, oldest first, searched from the beginning. A model is a
 * cache that answers one request with whether it was a hit.
 */
import type { CachePolicy } from '../policy.ts';

export type Model = (object: number, next: number) => boolean;

/** Takes an object out of an array. @returns whether it was there */
function take(list: number[], object: number): boolean {
  const at = list.indexOf(object);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

/** The first of those with the smallest value. */
function least(list: readonly number[], value: (object: number) => number): number {
  return list.reduce((best, object) => (value(object) < value(best) ? object : best));
}

function lru(capacity: number): Model {
  const used: number[] = [];
  return (object) => {
    const hit = take(used, object);
    if (!hit && used.length === capacity) used.shift();
    used.push(object);
    return hit;
  };
}

function fifo(capacity: number): Model {
  const queue: number[] = [];
  return (object) => {
    if (queue.includes(object)) return true;
    if (queue.length === capacity) queue.shift();
    queue.push(object);
    return false;
  };
}

/** Clock as a queue: who was referenced goes back to the end. */
function clock(capacity: number): Model {
  const queue: number[] = [];
  const referenced = new Set<number>();
  return (object) => {
    if (queue.includes(object)) {
      referenced.add(object);
      return true;
    }
    if (queue.length === capacity) {
      while (referenced.delete(queue[0])) queue.push(...queue.splice(0, 1));
      queue.shift();
    }
    queue.push(object);
    return false;
  };
}

function sieve(capacity: number): Model {
  const queue: number[] = [];
  const visited = new Set<number>();
  let hand = 0;
  return (object) => {
    if (queue.includes(object)) {
      visited.add(object);
      return true;
    }
    if (queue.length === capacity) {
      if (hand >= queue.length) hand = 0;
      while (visited.delete(queue[hand])) hand = (hand + 1) % queue.length;
      queue.splice(hand, 1);
      // Past the end it begins anew, before the newcomer joins.
      if (hand === queue.length) hand = 0;
    }
    queue.push(object);
    return false;
  };
}

function slru(capacity: number): Model {
  const share = Math.trunc(capacity / 4);
  const rooms = [capacity - 3 * share, share, share, share];
  const segments: number[][] = [[], [], [], []];
  return (object) => {
    const at = segments.findIndex((segment) => take(segment, object));
    if (at < 0) {
      if (segments.flat().length === capacity) segments[0].shift();
      segments[segments.findIndex((segment, i) => segment.length < rooms[i])].push(object);
      return false;
    }
    segments[Math.min(at + 1, 3)].push(object);
    for (let i = 3; i > 0; i--) {
      while (segments[i].length > rooms[i]) segments[i - 1].push(...segments[i].splice(0, 1));
    }
    return true;
  };
}

function lfu(capacity: number): Model {
  /** In the order in which they came to their number of uses. */
  const order: number[] = [];
  const uses = new Map<number, number>();
  return (object) => {
    const hit = take(order, object);
    if (!hit && order.length === capacity) {
      const victim = least(order, (each) => uses.get(each) ?? 0);
      take(order, victim);
      uses.delete(victim);
    }
    order.push(object);
    uses.set(object, (uses.get(object) ?? 0) + 1);
    return hit;
  };
}

function twoQueue(capacity: number): Model {
  const [kin, kout] = [Math.trunc(capacity / 4), Math.trunc(capacity / 2)];
  const [a1in, a1out, am]: number[][] = [[], [], []];
  return (object) => {
    if (a1in.includes(object)) return true;
    if (take(am, object)) {
      am.push(object);
      return true;
    }
    const known = take(a1out, object);
    if (a1in.length + am.length === capacity) {
      if (a1in.length > kin) {
        a1out.push(...a1in.splice(0, 1));
        if (a1out.length > kout) a1out.shift();
      } else {
        am.shift();
      }
    }
    (known ? am : a1in).push(object);
    return false;
  };
}

/** The figure of the ARC paper, case by case. */
function arc(c: number): Model {
  const [t1, t2, b1, b2]: number[][] = [[], [], [], []];
  let p = 0;
  const replace = (inB2: boolean): void => {
    const first = t1.length > 0 && (t1.length > p || (inB2 && t1.length === p));
    if (first || t2.length === 0) b1.push(...t1.splice(0, 1));
    else b2.push(...t2.splice(0, 1));
  };
  return (object) => {
    if (take(t1, object) || take(t2, object)) {
      t2.push(object);
      return true;
    }
    const lengths = [b1.length, b2.length];
    if (take(b1, object)) {
      p = Math.min(c, p + Math.max(lengths[1] / lengths[0], 1));
      replace(false);
      t2.push(object);
      return false;
    }
    if (take(b2, object)) {
      p = Math.max(0, p - Math.max(lengths[0] / lengths[1], 1));
      replace(true);
      t2.push(object);
      return false;
    }
    if (t1.length + b1.length === c) {
      if (t1.length < c) {
        b1.shift();
        replace(false);
      } else {
        t1.shift();
      }
    } else if (t1.length + t2.length + b1.length + b2.length >= c) {
      if (t1.length + t2.length + b1.length + b2.length === 2 * c) b2.shift();
      if (t1.length + t2.length === c) replace(false);
    }
    t1.push(object);
    return false;
  };
}

function s3Fifo(capacity: number): Model {
  const smallSize = Math.max(1, Math.trunc(capacity * 0.1));
  const ghostSize = Math.trunc(capacity * 0.9);
  const [small, main, ghosts]: number[][] = [[], [], []];
  const uses = new Map<number, number>();
  const evict = (): void => {
    // Once begun, the small queue is searched to its end, however long the main queue becomes.
    const fromSmall = main.length <= capacity - smallSize;
    while (fromSmall && small.length > 0) {
      const object = small.shift() as number;
      if ((uses.get(object) ?? 0) < 2) {
        ghosts.push(object);
        if (ghosts.length > ghostSize) ghosts.shift();
        return;
      }
      uses.set(object, 0);
      main.push(object);
    }
    while ((uses.get(main[0]) ?? 0) > 0) {
      const object = main.shift() as number;
      uses.set(object, Math.min(uses.get(object) ?? 0, 3) - 1);
      main.push(object);
    }
    main.shift();
  };
  return (object) => {
    if (small.includes(object) || main.includes(object)) {
      uses.set(object, (uses.get(object) ?? 0) + 1);
      return true;
    }
    const known = take(ghosts, object);
    if (small.length + main.length === capacity) evict();
    uses.set(object, 0);
    (known ? main : small).push(object);
    return false;
  };
}

function belady(capacity: number): Model {
  const nextOf = new Map<number, number>();
  return (object, next) => {
    const hit = nextOf.has(object);
    if (!hit && nextOf.size === capacity) nextOf.delete(least([...nextOf.keys()], (each) => -(nextOf.get(each) ?? 0)));
    nextOf.set(object, next);
    return hit;
  };
}

export const MODELS: Readonly<Record<string, (capacity: number) => Model>> = {
  lru,
  fifo,
  clock,
  slru,
  lfu,
  '2q': twoQueue,
  arc,
  's3-fifo': s3Fifo,
  sieve,
  belady,
};

/** Misses of a trace under a model. */
export function modelMisses(model: Model, trace: readonly number[], next: readonly number[]): number {
  return trace.reduce((misses, object, i) => misses + (model(object, next[i]) ? 0 : 1), 0);
}

/** Misses of a trace under a policy, served in batches. */
export function policyMisses(policy: CachePolicy, batches: Iterable<Parameters<CachePolicy['access']>[0]>): number {
  let misses = 0;
  for (const batch of batches) misses += policy.access(batch);
  return misses;
}
