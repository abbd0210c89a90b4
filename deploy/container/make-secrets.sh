#!/bin/sh
# Makes secrets/: a password for each Redis user, the ACL file with their digests, and a token for edge clients. Leaves alone what is there.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "make-secrets.sh: secrets is there already" >&2; exit 1; }
umask 077
# Made beside its place, and put there when it is whole.
made=$(mktemp -d secrets.XXXXXX)
trap 'rm -rf "$made"' EXIT
trap 'exit 1' HUP INT TERM
echo "user default off" > "$made/users.acl"
for part in gateway worker cron; do
  password=$(openssl rand -hex 32)
  printf 'redis://asynqjs-%s:%s@%s:6379\n' "$part" "$password" "${REDIS_HOST:-redis}" > "$made/$part-redis-uri"
  printf '%s\n' "$password" | ../acl/user.sh "$part" >> "$made/users.acl"
done
# One that may only enqueue, for edge clients; one that may do all, for cron functions elsewhere.
enqueuing=$(openssl rand -hex 32)
full=$(openssl rand -hex 32)
printf '%s enqueue critical default\n%s\n' "$enqueuing" "$full" > "$made/gateway-tokens"
# Containers read them as users of their own.
chmod 755 "$made"
chmod 644 "$made"/*
mv "$made" secrets
