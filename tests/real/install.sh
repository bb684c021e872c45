# Installs Debian packages that scripts here need, unless their programs are there. Sourced.
#
# install_packages PROGRAM:PACKAGE...
install_packages() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  export DEBIAN_FRONTEND=noninteractive
  # Services that the packages would start are not wanted: what a test needs it starts itself.
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
  apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
  rm -f /usr/sbin/policy-rc.d
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || { echo "${pair%%:*} could not be installed" >&2; return 1; }
  done
}
