#!/bin/bash
# Records what the VM's kernel answers to scenarios of the set: each in a VM of its own, as its line `# vm:` describes it, four
# times over, into conformance/answers.
#
#   record.sh SCENARIO.txt...
set -e
here=$(cd "$(dirname "$0")" && pwd)
for scenario in "$@"; do
  options=(-n 4)
  for word in $(sed -n 's/^# vm: *//p' "$scenario" | head -1); do
    bytes=$(numfmt --from=iec "${word#*=}")
    case $word in
      memory=*) options+=(-m $((bytes >> 20))) ;;
      swap=*) options+=(--swap $((bytes >> 20))) ;;
      mglru=*) options+=(--mglru "${word#*=}") ;;
    esac
  done
  "$here/run.sh" "${options[@]}" --out "$here/../answers" "$scenario"
  echo "$(basename "$scenario" .txt) recorded"
done
