#!/usr/bin/env bash
# OpenStack Swift with its S3 API on loopback, for tests: everything lies in one folder and ends with this process.
#
#   tests/swift/swift_up.sh FOLDER PORT      (as root; the proxy takes PORT, the rest of Swift the four ports after it)
#   apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object memcached
#
# Swift reads /etc/swift and nothing else: this process sees a folder of its own there, the machine's stays as it is.
# Accounts (S3 key / secret; a bucket belongs to the account before the colon):
#   prod:admin / prodadmin            owns the lake
#   prod:reader / prodreader          nothing until the owner grants it something
#   restricted:dvc / restricteddvc    owns a remote for raw data
#   shared:dvc / shareddvc            owns a remote for the rest
set -euo pipefail

if [ "${3:-}" != inside ]; then
  folder=$(realpath -m "$1")
  mkdir -p "$folder/etc" "$folder/disk/one" "$folder/cache" /etc/swift
  exec unshare --mount -- "$0" "$folder" "$2" inside
fi

folder=$1
port=$2
etc=/etc/swift
mount --bind "$folder/etc" "$etc"

cat > "$etc/swift.conf" <<END
[swift-hash]
swift_hash_path_prefix = windtunnel
swift_hash_path_suffix = tests
[storage-policy:0]
name = only
default = yes
END

# One disk, one copy: $1 is the kind of server, $2 its port.
make_ring() {
  local ring="$etc/$1.builder"
  swift-ring-builder "$ring" create 6 1 1
  swift-ring-builder "$ring" add --region 1 --zone 1 --ip 127.0.0.1 --port "$2" --device one --weight 1
  swift-ring-builder "$ring" rebalance || [ $? -eq 1 ] # 1 is a warning: one disk is no redundancy
}

make_server() {
  cat > "$etc/$1-server.conf" <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $2
devices = $folder/disk
mount_check = false
user = root
workers = 0
recon_cache_path = $folder/cache
log_level = ERROR
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
END
}

# proxy-logging gives answers without a body their length; without it aiohttp, and so DVC, stumbles over the end of a chunk.
make_proxy() {
  cat > "$etc/proxy-server.conf" <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
user = root
workers = 0
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_prod_admin = prodadmin .admin
user_prod_reader = prodreader
user_restricted_dvc = restricteddvc .admin
user_shared_dvc = shareddvc .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$((port + 4))
END
  for name in catch_errors gatekeeper healthcheck listing_formats bulk copy slo dlo symlink; do
    printf '[filter:%s]\nuse = egg:swift#%s\n' "$name" "$name" >> "$etc/proxy-server.conf"
  done
}

started=()
stop() {
  trap - EXIT TERM INT
  [ "${#started[@]}" -eq 0 ] || kill "${started[@]}" 2> "$folder/stop.log" || true
  wait
}
trap stop EXIT
trap 'exit 0' TERM INT

next=$((port + 1))
for kind in account container object; do
  make_ring "$kind" "$next" > "$folder/$kind-ring.log"
  make_server "$kind" "$next"
  "swift-$kind-server" "$etc/$kind-server.conf" > "$folder/$kind.log" 2>&1 &
  started+=($!)
  next=$((next + 1))
done
memcached -u root -l 127.0.0.1 -p "$((port + 4))" -m 32 > "$folder/memcached.log" 2>&1 &
started+=($!)
make_proxy
swift-proxy-server "$etc/proxy-server.conf" > "$folder/proxy.log" 2>&1 &
started+=($!)

# Whichever of them ends, none of it is of use any more.
wait -n
echo "a part of Swift ended; see the logs in $folder" >&2
exit 1
