#!/bin/sh
# Runs the tests of the address policy in a network namespace where every IPv4 and IPv6 address is
# local (AnyIP), so that a connection to any address at all would be accepted and counted.
#
#   tests/ssrf-netns.sh [TEST-BINARY]      (paths are relative to the repository's root)
#
# FEEDTEST_SSRF_VECTORS may name a file of further addresses, one a line.
# Exit 77: this machine allows no namespaces, and nothing was tested.
set -eu

cd "$(dirname "$0")/.."

if [ "${1-}" != --inside ]; then
    skip() { echo "ssrf-netns: SKIPPED, nothing was tested: $1" >&2; exit 77; }
    command -v unshare >/dev/null || skip "unshare is not installed"
    command -v ip >/dev/null || skip "ip (iproute2) is not installed"
    # As root, or as a user of its own where the kernel allows it.
    for how in "unshare -n" "unshare -rn"; do
        if $how sh -c 'ip link set lo up && ip route add local 0.0.0.0/0 dev lo &&
            ip -6 route add local ::/0 dev lo' 2>/dev/null; then
            namespace=$how
            break
        fi
    done
    [ -n "${namespace-}" ] || skip "network namespaces with local routes are not allowed"
    binary=${1-}
    if [ -z "$binary" ]; then
        binary=$(cargo test --test it --no-run --message-format=json |
            sed -n 's/.*"executable":"\([^"]*\/it-[^"]*\)".*/\1/p' | tail -n 1)
    fi
    [ -x "$binary" ] || { echo "ssrf-netns: no test binary" >&2; exit 1; }
    exec $namespace tests/ssrf-netns.sh --inside "$binary"
fi

ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
# Canaries stand on ports below 1024 too.
sysctl -qw net.ipv4.ip_unprivileged_port_start=0 2>/dev/null || true
FEEDWRIGHT_SSRF_NETNS=1 exec "$2" ssrf:: --nocapture --test-threads=1
