#!/usr/bin/env bash
# etcd 3.4.23: who asks for a lease of one second gets one of two, and with a slower election one of fifteen.
#
# One would guess that the shortest lease is what the interface can say: one second. But a server never grants a lease that would end while
# its cluster elects a leader: the shortest is one and a half times the election timeout, rounded up. So keys that have to vanish
# in time cannot trust to a lease alone, and a test with short times passes on one cluster and fails on another.
#
# The answer does say so: it has the time that was granted. A client that does not read it goes on with its own.
#
# Seen on 2026-11-30 on Debian 12:
#   asked for 1 s: granted "2" s with the usual election timeout, "15" s with one of 10 s
set -euo pipefail
folder=$(mktemp -d)
trap 'kill %% 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download etcd-server=3.4.23-4+b4 >/dev/null 2>&1 # as root it warns about its sandbox
dpkg -x etcd-server_*.deb etcd

# Prints what is granted where one second is asked for, by a server with these options, on this port.
granted() {
    local port=$1
    shift
    local here=http://127.0.0.1:$port there=http://127.0.0.1:$((port + 1))
    etcd/usr/bin/etcd --name only --data-dir "data$port" --listen-client-urls "$here" --advertise-client-urls "$here" \
        --listen-peer-urls "$there" --initial-advertise-peer-urls "$there" --initial-cluster "only=$there" "$@" >"log$port" 2>&1 &
    local server=$!
    curl --silent --retry 60 --retry-connrefused --retry-delay 1 --output /dev/null "$here/health"
    until curl --silent "$here/v3/lease/grant" --data '{"TTL": "1"}' | grep -o '"TTL":"[0-9]*"'; do sleep 1; done
    kill "$server"
    wait "$server" 2>/dev/null || true
}

{
    granted 32379
    granted 32389 --heartbeat-interval 1000 --election-timeout 10000
} | tee seen
printf '"TTL":"2"\n"TTL":"15"\n' | diff - seen && echo "as described"
