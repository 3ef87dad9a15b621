#!/bin/sh
# Installs queuectl:  curl -fsSL …/install.sh | sh
# With options:       curl -fsSL …/install.sh | sh -s -- --version 0.1.0 --dir ~/bin
# Downloads into the target folder under another name, verifies, and renames, so that the old
# version stays if anything fails.
set -eu

usage() {
  cat <<'EOF'
Installs queuectl, which is a single file.

Usage: install.sh [--version VERSION] [--dir DIR] [--from URL]

  --version VERSION  such as 0.1.0; the latest release if not given
  --dir DIR          where to (default: ~/.local/bin)
  --from URL         the page of the releases; also $QUEUECTL_RELEASES
EOF
}

fail() {
  printf 'queuectl was not installed: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '%s\n' "$2" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# The platform, in the form of the file names.
platform() {
  os=$(uname -s)
  arch=$(uname -m)
  case $os in
    Linux) os=linux ;;
    Darwin)
      os=macos
      # A shell translated by Rosetta says x86_64 on a machine that is not.
      [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" != 1 ] || arch=arm64
      ;;
    MINGW* | MSYS* | CYGWIN*) os=windows ;;
  esac
  case $arch in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
  esac
  case $os-$arch in
    linux-x64 | linux-arm64 | macos-x64 | macos-arm64 | windows-x64) printf '%s\n' "$os-$arch" ;;
    *) return 1 ;;
  esac
}

# download URL FILE
download() {
  if has curl; then
    curl -fsSL --connect-timeout 30 --retry 2 -o "$2" "$1"
  elif wget --help 2>&1 | grep -q -e --tries; then
    wget -q --timeout=30 --tries=3 -O "$2" "$1"
  else
    wget -q -O "$2" "$1" # busybox has no --tries
  fi
}

sha256() {
  if has sha256sum; then
    sha256sum <"$1"
  elif has shasum; then
    shasum -a 256 <"$1"
  else
    openssl dgst -sha256 -r <"$1"
  fi
}

completions() {
  case ${SHELL-} in
    */zsh) printf "  echo 'eval \"\$(queuectl completions zsh)\"' >> ~/.zshrc\n" ;;
    */fish) printf '  queuectl completions fish > ~/.config/fish/completions/queuectl.fish\n' ;;
    *) printf "  echo 'eval \"\$(queuectl completions bash)\"' >> ~/.bashrc\n" ;;
  esac
}

main() {
  version=
  dir=
  from=${QUEUECTL_RELEASES:-https://github.com/queuectl/queuectl/releases}
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help)
        usage
        return
        ;;
      --version=* | --dir=* | --from=*)
        option=${1%%=*}
        value=${1#*=}
        shift
        set -- "$option" "$value" "$@"
        continue
        ;;
      --version | --dir | --from)
        [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 needs a value" 'See install.sh --help'
        case $1 in
          --version) version=${2#v} ;;
          --dir) dir=$2 ;;
          --from) from=${2%/} ;;
        esac
        shift 2
        ;;
      *) fail "unknown option $1" 'See install.sh --help' ;;
    esac
  done

  case $version in
    *[!0-9A-Za-z.+-]*) fail "\"$version\" is not a version" ;;
  esac
  if [ -z "$dir" ]; then
    [ -n "${HOME-}" ] || fail '$HOME is not set' 'Say where to with --dir'
    dir=$HOME/.local/bin
  fi
  has curl || has wget || fail 'neither curl nor wget is there' 'Install one of them'
  has sha256sum || has shasum || has openssl || fail 'no sha256sum, shasum or openssl is there' 'Install one of them'
  platform=$(platform) ||
    fail "there is no build for $(uname -s) on $(uname -m)" 'It runs there from its sources, with Deno: see the README'

  extension=
  case $platform in windows-*) extension=.exe ;; esac
  file=queuectl-$platform$extension
  target=$dir/queuectl$extension
  if [ -n "$version" ]; then url=$from/download/v$version; else url=$from/latest/download; fi

  mkdir -p "$dir" || fail "$dir can't be made"
  [ ! -d "$target" ] || fail "$target is a folder"
  temp=$(mktemp -d "$dir/.queuectl-install.XXXXXX") || fail "$dir can't be written to" 'Choose another with --dir'
  trap 'rm -rf "$temp"' EXIT
  trap 'exit 1' HUP INT TERM

  download "$url/SHA256SUMS" "$temp/SHA256SUMS" ||
    fail "$url/SHA256SUMS could not be downloaded" 'Is there such a version, and a way to the net?'
  expected=$(awk -v file="$file" '$2 == file || $2 == "*" file { print $1; exit }' "$temp/SHA256SUMS")
  [ -n "$expected" ] || fail "this release has no $file"
  download "$url/$file" "$temp/$file" || fail "$url/$file could not be downloaded" 'Try again'
  actual=$(sha256 "$temp/$file")
  [ "${actual%% *}" = "$expected" ] ||
    fail "what was downloaded is not what was released" "SHA-256 of $file is ${actual%% *}, not $expected"

  chmod 755 "$temp/$file"
  installed=$("$temp/$file" --version) ||
    fail "$file does not start on this system" 'On Linux it needs glibc: Alpine and other musl systems have none'
  mv -f "$temp/$file" "$target" || fail "$target can't be replaced"

  printf 'Installed %s as %s\n' "$installed" "$target"
  case :${PATH-}: in
    *":$dir:"*) ;;
    *) printf '%s is not on your PATH; for sh, bash and zsh:\n  export PATH="%s:$PATH"\n' "$dir" "$dir" ;;
  esac
  printf 'To load completions in your shell:\n'
  completions
}

# Last, so that a script whose download was cut off does nothing.
main "$@"
