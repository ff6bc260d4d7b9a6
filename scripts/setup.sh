# Sourced by ./run and ./test: leaves the machine able to build and run faultline.
#
# npm packages always; Debian packages (the recorder needs gcc and valgrind) when they are missing and we are root. Else
# names the command, adds what cannot be done to $LEFT_OUT and goes on. With CI=true nothing may be left out.

LEFT_OUT=()

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

# leave_out WHAT WHY: goes on without a part; in CI that is a failure.
leave_out() {
  if [ "${CI:-}" = true ]; then
    echo "faultline: $1 cannot be left out in CI: $2" >&2
    exit 1
  fi
  echo "faultline: leaving out $1: $2" >&2
  LEFT_OUT+=("$1")
}

report_left_out() {
  [ ${#LEFT_OUT[@]} -eq 0 ] && return
  echo
  printf 'Left out: %s\n' "${LEFT_OUT[@]}"
}

need_node() {
  command -v npm >/dev/null || { echo 'faultline: npm is missing; Node 20 or later with npm is needed' >&2; exit 1; }
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || { echo "faultline: Node 20 or later is needed, this is $(node --version)" >&2; exit 1; }
}

# Installs what the lock file names, unless that is what node_modules already holds.
install_npm_packages() {
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say 'npm ci'
    npm ci --no-fund --no-audit || exit 1
    touch node_modules/.package-lock.json
  fi
}

# What the recorder is built from: the compiler, libc's headers, and Valgrind with its headers and core libraries.
missing_debian_packages() {
  command -v gcc >/dev/null || echo gcc
  command -v ar >/dev/null || echo binutils
  [ -e /usr/include/stdio.h ] || echo libc6-dev
  { command -v valgrind && [ -e /usr/include/valgrind/pub_tool_basics.h ]; } >/dev/null || echo valgrind
}

install_debian_packages() {
  local packages
  packages=$(missing_debian_packages | tr '\n' ' ')
  packages=${packages% }
  [ -z "$packages" ] && return
  local by_hand="apt-get update && apt-get install -y --no-install-recommends $packages"
  if ! command -v apt-get >/dev/null; then
    leave_out 'recording programs' "$packages missing, and this is no Debian system"
  elif [ "$(id -u)" != 0 ]; then
    leave_out 'recording programs' "$packages missing; as root: $by_hand"
  else
    say "apt-get install $packages"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages >/dev/null 2>&1 ||
      { apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends $packages >/dev/null; } ||
      leave_out 'recording programs' "apt-get failed; with a network: $by_hand"
  fi
}

build() {
  say 'npm run build'
  npm run --silent build || exit 1
}
