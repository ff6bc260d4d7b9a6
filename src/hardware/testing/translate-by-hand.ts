import { PF_FETCH, PF_PRESENT, PF_PROTECTION_KEY, PF_RESERVED, PF_USER, PF_WRITE } from '../paging/entry.ts';
import type { PhysicalMemory } from '../physical-memory.ts';
import { type Pfn, pfn, type Vpn } from '../units.ts';

const bit = (entry: bigint, at: number): boolean => ((entry >> BigInt(at)) & 1n) === 1n;
const bits = (entry: bigint, from: number, to: number): bigint =>
  (entry >> BigInt(from)) & ((1n << BigInt(to - from + 1)) - 1n);

/**
 * What the page tables say of an access, told as the manual tells it (SDM vol. 3, 4.5-4.7) and with no thought of
 * speed: 64-bit entries, no caches, nothing written. Tests hold the CPU's answers against this one; an answer that
 * differs is a stale translation or a wrong walk. Returns the frame or -(error code + 1).
 */
export function translateByHand(
  memory: PhysicalMemory,
  root: Pfn,
  page: Vpn,
  kind: number,
  options: { levels: number; physicalBits: number; pkru: number },
): number {
  const isStore = kind === 1;
  const isFetch = kind === 2;
  const access = PF_USER | (isStore ? PF_WRITE : 0) | (isFetch ? PF_FETCH : 0);
  let table = root;
  let writable = true;
  let user = true;
  let executable = true;
  for (let level = options.levels - 1; ; level--) {
    const index = Number(bits(BigInt(page), 9 * level, 9 * level + 8));
    const entry = (BigInt(memory.hi(table, index) >>> 0) << 32n) | BigInt(memory.lo(table, index) >>> 0);
    if (!bit(entry, 0)) return -(access + 1);
    const isLeaf = level === 0 || bit(entry, 7);
    const tooLarge = level > 2 && bit(entry, 7);
    const highAddress = options.physicalBits < 52 && bits(entry, options.physicalBits, 51) !== 0n;
    const lowAddress = isLeaf && level > 0 && bits(entry, 13, 11 + 9 * level) !== 0n;
    if (tooLarge || highAddress || lowAddress) return -((access | PF_PRESENT | PF_RESERVED) + 1);
    writable &&= bit(entry, 1);
    user &&= bit(entry, 2);
    executable &&= !bit(entry, 63);
    const frame = Number(bits(entry, 12, 51));
    if (!isLeaf) {
      table = pfn(frame);
      continue;
    }
    const key = Number(bits(entry, 59, 62));
    const accessDisabled = bit(BigInt(options.pkru), 2 * key);
    const writeDisabled = bit(BigInt(options.pkru), 2 * key + 1);
    const keyRefuses = !isFetch && (accessDisabled || (isStore && writeDisabled));
    if (!user || keyRefuses || (isStore && !writable) || (isFetch && !executable))
      return -((access | PF_PRESENT | (keyRefuses ? PF_PROTECTION_KEY : 0)) + 1);
    const pages = 512 ** level;
    return frame - (frame % pages) + (page % pages);
  }
}
