import type { AddressSpaces } from '../address-space/address-spaces.ts';
import type { UserAccess } from '../fault/user-access.ts';
import type { ExecServices, VdsoImage } from './exec.ts';
import type { Task } from './process.ts';
import type { Processes } from './processes.ts';
import type { TlbState } from './tlb-state.ts';

interface ExecNeeds {
  readonly processes: Processes;
  readonly tlb: TlbState;
  readonly userAccess: UserAccess;
  readonly special: VdsoImage;
}

/** What exec does its work with. @param spaces the kernel's own calls, which are not traced */
export const execServices = (needs: ExecNeeds, spaces: AddressSpaces, task: Task): ExecServices => ({
  special: needs.special,
  replaceMm: (process, mmapBase) => {
    needs.processes.replaceMm(process, mmapBase);
    needs.tlb.switchMm(needs.tlb.current, process.mm);
  },
  mmap: (...args) => spaces.mmap(...args),
  munmap: (...args) => spaces.munmap(...args),
  mapBrk: (...args) => spaces.mapBrk(...args),
  unmappedArea: (...args) => spaces.unmappedArea(...args),
  insertVma: (vma) => spaces.insertVma(task.process, vma),
  writeUser: (who, address, length) => {
    needs.userAccess.write(who, address, length);
  },
});
