/** The files of /proc that speak of the whole machine. */
import { CAUSE_IDLE } from '../../time/clock.ts';
import { extfragIndexText, pagetypeinfoText, unusableIndexText } from '../fragmentation-text.ts';
import { meminfoText } from '../meminfo.ts';
import { swapsText } from '../swaps.ts';
import { vmstatText } from '../vmstat-text.ts';
import { buddyinfoText, zoneinfoText } from '../zoneinfo.ts';
import { readOnly, type SystemFile, type TreeSource } from './system-file.ts';

const NANOSECONDS_PER_SECOND = 1e9;
/** What `uname -r` says: the version whose rules these are. */
export const KERNEL_RELEASE = '6.18.0-faultline';

const seconds = (nanoseconds: number): string => (nanoseconds / NANOSECONDS_PER_SECOND).toFixed(2);

export function machineFiles(source: TreeSource): [path: string, file: SystemFile][] {
  const { clock } = source;
  return [
    ['/proc/buddyinfo', readOnly(() => buddyinfoText(source))],
    ['/proc/meminfo', readOnly(() => meminfoText(source, source.commitments))],
    ['/proc/pressure/memory', readOnly(() => source.psi.text(0))],
    ['/proc/pagetypeinfo', readOnly(() => pagetypeinfoText(source))],
    ['/proc/swaps', readOnly(() => swapsText(source.swap.areas))],
    ['/proc/uptime', readOnly(() => `${seconds(clock.now)} ${seconds(clock.spent[CAUSE_IDLE] as number)}\n`)],
    ['/proc/version', readOnly(() => `Linux version ${KERNEL_RELEASE} (faultline) #1 SMP PREEMPT_DYNAMIC\n`)],
    ['/proc/vmstat', readOnly(() => vmstatText(source))],
    ['/proc/zoneinfo', readOnly(() => zoneinfoText(source))],
    ['/sys/kernel/debug/extfrag/extfrag_index', readOnly(() => extfragIndexText(source))],
    ['/sys/kernel/debug/extfrag/unusable_index', readOnly(() => unusableIndexText(source))],
  ];
}
