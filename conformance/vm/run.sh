#!/bin/bash
# Asks the kernel of a VM: boots it, runs the oracle on scenarios or a script, prints what came out.
#
#   run.sh [options] SCENARIO.txt...     answers as the host's oracle gives them; of several: into the folder --out
#   run.sh [options] --sh SCRIPT         a script of busybox's sh (- for standard input); its output is printed
#
#   -m MB          memory of the VM (512)            --swap MB      a swap partition, on before anything runs (none)
#   -n RUNS        runs of each scenario (3, at most 4)
#   --mglru N      lru_gen/enabled: 0 classic lists, 7 MGLRU (0)    --sysctl K=V   any number of them
#   --smp N        processors (1)                    --out DIR      one DIR/NAME.json a scenario
#   --add FILE     a file for the script, as /job/NAME (static programs; any number)
#   --dmesg        the kernel log as well, on standard error         --timeout S    give up after S seconds (600)
#   -a TEXT        more on the kernel's command line
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$here/work
say() { echo "vm/run: $*" >&2; exit 1; }
usage() { sed -n '2,/^set -e/{/^#/s/^# \{0,1\}//p}' "$0"; exit "$1"; }

memory=512 swap=0 runs=3 mglru=0 processors=1 out= script= log= limit=600 append= sysctls= scenarios=() files=()
while [ $# -gt 0 ]; do
  case $1 in
    -m) memory=$2; shift ;;
    -n) runs=$2; shift ;;
    -a) append=$2; shift ;;
    --swap) swap=$2; shift ;;
    --mglru) mglru=$2; shift ;;
    --smp) processors=$2; shift ;;
    --sysctl) sysctls="$sysctls $2"; shift ;;
    --out) out=$2; shift ;;
    --sh) script=$2; shift ;;
    --add) files+=("$2"); shift ;;
    --timeout) limit=$2; shift ;;
    --dmesg) log=1 ;;
    -h | --help) usage 0 ;;
    -*) usage 2 >&2 ;;
    *) scenarios+=("$1") ;;
  esac
  shift
done
[ -n "$script" ] || [ ${#scenarios[@]} -gt 0 ] || usage 2 >&2
[ -e "$work/kernel" ] && [ -e "$work/base.cpio.gz" ] && [ -e "$work/oracle" ] || say "run conformance/vm/setup.sh first"
[ ${#scenarios[@]} -lt 2 ] || [ -n "$out" ] || say "several scenarios need --out DIR"

box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir -p "$box/root/job" "$box/root/work"
cp "$work/oracle" "$box/root/work/oracle"
printf 'MGLRU=%s\nSWAP=%s\nSYSCTLS="%s"\n' "$mglru" "$swap" "$sysctls" >"$box/root/job/settings"
for file in "${files[@]}"; do cp "$file" "$box/root/job/"; done
if [ -n "$script" ]; then
  cat "$script" >"$box/root/job/job"
else
  for scenario in "${scenarios[@]}"; do
    name=$(basename "$scenario" .txt)
    directory=$(sed -n 's/^# *dir: *//p' "$scenario" | head -1)
    cp "$scenario" "$box/root/job/$name.txt"
    echo "/work/oracle -c $((processors - 1)) -n $runs -d ${directory:-ext4-small} /job/$name.txt >/out/$name.json || echo '$name' >>/out/failed" >>"$box/root/job/job"
  done
fi
(cd "$box/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$box/job.cpio.gz"
cat "$work/base.cpio.gz" "$box/job.cpio.gz" >"$box/initrd"
truncate -s 256M "$box/swap.img"
truncate -s $((swap > 0 ? swap : 1))M "$box/swap2.img"
truncate -s 256M "$box/out.img"

disk() { echo -drive "file=$1,if=virtio,format=raw,cache=unsafe,$2"; }
timeout "$limit" qemu-system-x86_64 -accel tcg -m "$memory" -smp "$processors" -nographic -no-reboot -nic none \
  -kernel "$work/kernel" -initrd "$box/initrd" \
  -append "console=ttyS0 quiet panic=-1 no_timer_check rootfstype=ramfs sysctl.kernel.randomize_va_space=0 $append" \
  $(disk "$work/ext4.img" snapshot=on) $(disk "$work/ext4-small.img" snapshot=on) \
  $(disk "$box/swap.img" snapshot=off) $(disk "$box/swap2.img" snapshot=off) $(disk "$box/out.img" snapshot=off) \
  </dev/null >"$box/console" 2>&1 || { tail -30 "$box/console" >&2; say "the VM did not end within $limit s"; }
mkdir "$box/result"
tar -xf "$box/out.img" -C "$box/result" 2>/dev/null && [ -e "$box/result/code" ] || { tail -40 "$box/console" >&2; say "the VM ended without an answer"; }
[ -z "$log" ] || cat "$box/result/dmesg" >&2
cat "$box/result/stderr" >&2
cat "$box/result/stdout"
if [ -n "$script" ]; then exit "$(cat "$box/result/code")"; fi
if [ -n "$out" ]; then
  mkdir -p "$out"
  cp "$box"/result/*.json "$out"
else
  cat "$box"/result/*.json
fi
[ ! -e "$box/result/failed" ] || say "the oracle failed on $(tr '\n' ' ' <"$box/result/failed")"
