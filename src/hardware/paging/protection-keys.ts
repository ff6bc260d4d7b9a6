/**
 * Protection keys for user pages (SDM vol. 3, 4.6.2): each user page belongs to one of 16 keys, and the PKRU register
 * has two bits for each: bit 2k refuses all data accesses, bit 2k+1 refuses stores. Fetches are never refused, which
 * is how Linux makes a PROT_EXEC-only mapping (arch/x86/mm/pkeys.c, __execute_only_pkey).
 */
export const PKRU_ACCESS_DISABLE = 1;
export const PKRU_WRITE_DISABLE = 2;

/** Whether a data access to a page of this key is refused. */
export function keyRefuses(pkru: number, key: number, isStore: boolean): boolean {
  const bits = pkru >>> (key * 2);
  return (bits & (isStore ? PKRU_ACCESS_DISABLE | PKRU_WRITE_DISABLE : PKRU_ACCESS_DISABLE)) !== 0;
}
