/** From three replays to one recommendation. */
import type { RecordingMode } from '../../program/recording/header.ts';
import type { Measured, Setting } from './measure.ts';
import { hugetlbSettings, javaHeap, kindOf, poolPages, thpSettings } from './program-kind.ts';

export type Sureness = 'high' | 'medium' | 'low';

/** What a setting would do, beside 4 KiB pages. Parts of the run's time are below 1; bytes may be negative. */
export interface Comparison {
  readonly setting: Setting;
  /** Part of the run's time that it saves: on the machine itself, and in a guest. */
  readonly saves: number;
  /** The part of it that page walks and misses have, and that of page faults, which a longer run does not have again. */
  readonly savesByWalks: number;
  readonly savesByFaults: number;
  readonly savesAsGuest: number;
  readonly walksSaved: number;
  readonly faultsSaved: number;
  /** Memory that it costs, in bytes. */
  readonly costs: number;
}

export interface Advice {
  readonly recommend: 'none' | 'thp' | 'hugetlb';
  /** In one sentence. */
  readonly why: string;
  readonly settings: readonly string[];
  readonly comparisons: readonly Comparison[];
  /** Pages of 2 MiB that `hugetlb` needs in the pool. */
  readonly nrHugepages: number;
  readonly sureness: Sureness;
  /** What makes it as sure as it is. */
  readonly because: readonly string[];
}

/** What is known of the recording. */
export interface Recorded {
  readonly command: readonly string[];
  readonly mode: RecordingMode;
  readonly damage: string | undefined;
}

/** Below this part of the run's time nobody would see a difference. */
const WORTH = 0.01;
/** So much more must the pool save than transparent huge pages, for it must be sized, reserved and kept. */
const POOL_WORTH = 0.02;
/** A setting that costs more than this part of the program's memory must save more than WORTH. */
const MUCH_MEMORY = 0.25;
const MUCH_WORTH = 0.05;
const MIB = 2 ** 20;

const memoryOf = ({ peakRss, poolBytes }: Measured): number => peakRss + poolBytes;

export function compare(base: Measured, other: Measured): Comparison {
  return {
    setting: other.setting,
    saves: 1 - other.ns / base.ns,
    savesByWalks: 1 - other.ns / base.ns - (base.faultNs - other.faultNs) / base.ns,
    savesByFaults: (base.faultNs - other.faultNs) / base.ns,
    savesAsGuest: 1 - other.nsAsGuest / base.nsAsGuest,
    walksSaved: base.walks - other.walks,
    faultsSaved: base.faults.minor + base.faults.major - other.faults.minor - other.faults.major,
    costs: memoryOf(other) - memoryOf(base),
  };
}

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

/** @param runs of '4k', 'thp' and 'hugetlb', in this order */
export function advise(recorded: Recorded, [base, thp, pool]: readonly [Measured, Measured, Measured]): Advice {
  const comparisons = [compare(base, thp), compare(base, pool)] as const;
  const kind = kindOf(recorded.command);
  const nrHugepages = poolPages(recorded.command, pool.poolBytes);
  const recommend = choose(base, comparisons);
  const because = doubts(recorded, [base, thp, pool]);
  const margin = Math.abs(Math.max(comparisons[0].saves, comparisons[1].saves) - WORTH);
  const settings = { none: [], thp: thpSettings(kind), hugetlb: hugetlbSettings(kind, nrHugepages) };
  return {
    recommend,
    why: reason(recommend, base, comparisons),
    settings: settings[recommend],
    comparisons,
    nrHugepages,
    sureness: because.length === 0 && margin > WORTH / 2 ? 'high' : because.length > 1 ? 'low' : 'medium',
    because: because.length > 0 ? because : [SOUND],
  };
}

const SOUND = 'the whole run was recorded, and each setting was replayed without a call that went another way';

function isWorth({ saves, costs }: Comparison, base: Measured): boolean {
  return saves >= (costs > MUCH_MEMORY * memoryOf(base) ? MUCH_WORTH : WORTH);
}

function choose(base: Measured, [thp, pool]: readonly [Comparison, Comparison]): Advice['recommend'] {
  if (!isWorth(thp, base)) return isWorth(pool, base) && pool.saves - thp.saves >= POOL_WORTH ? 'hugetlb' : 'none';
  return isWorth(pool, base) && pool.saves - thp.saves >= POOL_WORTH ? 'hugetlb' : 'thp';
}

function reason(
  recommend: Advice['recommend'],
  base: Measured,
  [thp, pool]: readonly [Comparison, Comparison],
): string {
  const walks = percent(base.walkNs / base.ns);
  if (recommend === 'none') {
    const most = Math.max(thp.saves, pool.saves);
    if (most >= WORTH) return `they would save ${percent(most)} of the time, and cost too much memory for that`;
    if (most < 0) {
      const longer = `make the run ${percent(-most)} longer, for each fault clears 2 MiB`;
      return `page walks are ${walks} of the time, but huge pages would ${longer}, and take ${sizeText(Math.min(thp.costs, pool.costs))} more`;
    }
    return `page walks are ${walks} of the time, and huge pages would save ${percent(most)} of it`;
  }
  const [one, other] = recommend === 'thp' ? [thp, pool] : [pool, thp];
  const beside = recommend === 'thp' ? 'the pool' : 'transparent huge pages';
  const parts = `${percent(one.savesByWalks)} by fewer TLB misses and walks, ${percent(one.savesByFaults)} by fewer page faults, which a longer run has only once`;
  return `page walks are ${walks} of the time; this saves ${percent(one.saves)} of it: ${parts} (in a guest ${percent(one.savesAsGuest)}; ${beside} ${percent(other.saves)})`;
}

/** What speaks against trusting the numbers. */
function doubts({ mode, damage, command }: Recorded, runs: readonly Measured[]): string[] {
  const [base] = runs;
  const found: string[] = [];
  if (mode.kind !== 'exact')
    found.push(
      'the recording has only the first touch of a page in each window: TLB misses are fewer than the program has',
    );
  if (damage !== undefined) found.push(`the recording is not whole: ${damage}`);
  const more = runs.some(
    ({ mismatches, strayRuns }) => mismatches > (base?.mismatches ?? 0) || strayRuns > (base?.strayRuns ?? 0),
  );
  if (more)
    found.push(
      'under one of the settings the program would have gone another way (a part of a huge page cannot be unmapped or moved)',
    );
  if (base !== undefined && base.ns < 1e7)
    found.push('the run is shorter than 10 ms of simulated time: start-up counts for much');
  if (kindOf(command) === 'java' && javaHeap(command) === undefined)
    found.push('the command line has no -Xmx: the count of huge pages is that of the mappings which were recorded');
  return found;
}

/** A size for people. */
export function sizeText(bytes: number): string {
  const mib = Math.abs(bytes) / MIB;
  const sign = bytes < 0 ? '-' : '';
  return mib >= 1024 ? `${sign}${(mib / 1024).toFixed(2)} GiB` : `${sign}${mib.toFixed(1)} MiB`;
}
