#!/bin/bash
# Makes conformance/vm/work: a Linux 6.18 of Debian's, a small user space around the oracle, and empty disks. As root;
# again only what is missing. The kernel comes from the suite trixie-backports of the mirror apt here is configured with.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$here/work
mkdir -p "$work"
cd "$work"

say() { echo "vm/setup: $*" >&2; exit 1; }

tools=()
command -v qemu-system-x86_64 >/dev/null || tools+=(qemu-system-x86)
command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 || tools+=(busybox-static)
command -v cpio >/dev/null || tools+=(cpio)
command -v mkfs.ext4 >/dev/null || tools+=(e2fsprogs)
command -v gcc >/dev/null || tools+=(gcc)
command -v xz >/dev/null || tools+=(xz-utils)
if [ ${#tools[@]} -gt 0 ]; then
  { apt-get update && apt-get install -y --no-install-recommends "${tools[@]}"; } >apt.log 2>&1 ||
    say "apt cannot install ${tools[*]} (see $work/apt.log)"
fi

# --- the kernel: an apt of its own, whose only source is the backports suite of the configured mirror
if [ ! -e kernel ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/$' | sort -u | head -1)
  [ -n "$mirror" ] || say "apt here has no Debian mirror, so there is nowhere to take a 6.18 kernel from"
  mkdir -p apt/lists/partial apt/cache/archives/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie-backports main" >apt/sources.list
  options=(-o "Dir::Etc::sourcelist=$work/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/apt/lists"
    -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >apt.log 2>&1 || say "the mirror of apt does not answer for trixie-backports (see $work/apt.log)"
  for package in $(apt-cache "${options[@]}" search --names-only '^linux-image-6\.18\.[0-9]+.*-cloud-amd64$' | cut -d' ' -f1 | sort -rV); do
    rm -f linux-image-*.deb
    apt-get "${options[@]}" download "$package" >>apt.log 2>&1 && break
  done
  ls linux-image-*.deb >/dev/null 2>&1 || say "no linux-image-6.18.*-cloud-amd64 can be had from trixie-backports (see $work/apt.log)"
  rm -rf unpacked && dpkg-deb -x linux-image-*.deb unpacked && rm linux-image-*.deb
  mkdir -p modules
  for module in lib/lz4/lz4_compress lib/lz4/lz4hc_compress mm/zsmalloc drivers/block/zram/zram drivers/block/virtio_blk drivers/block/loop; do
    xz -dc unpacked/usr/lib/modules/*/kernel/$module.ko.xz >"modules/$(basename $module).ko"
  done
  mv unpacked/boot/vmlinuz-* kernel
  mv unpacked/boot/config-* config
  rm -rf unpacked apt
fi

# --- disks: a file system with large folios, one without (the encrypt feature turns them off), and room to swap
[ -e ext4.img ] || { truncate -s 2G ext4.img; mkfs.ext4 -q -F ext4.img; }
[ -e ext4-small.img ] || { truncate -s 2G ext4-small.img; mkfs.ext4 -q -F -O encrypt,^has_journal ext4-small.img; }

# --- user space
if [ ! -e base.cpio.gz ] || [ "$here/init" -nt base.cpio.gz ]; then
  rm -rf root
  mkdir -p root/{bin,dev,proc,sys,tmp,lib,work}
  cp "$(command -v busybox)" root/bin/busybox
  ln -s busybox root/bin/sh
  cp modules/*.ko root/lib
  install -m 755 "$here/init" root/init
  (cd root && find . | cpio -o -H newc --quiet | gzip -1) >base.cpio.gz
fi
if [ ! -e oracle ] || [ "$here/../oracle.c" -nt oracle ]; then
  mkdir -p build && cp "$here/../oracle.c" "$here/../build.sh" build && sh build/build.sh && cp build/oracle oracle
fi
