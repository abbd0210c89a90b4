#!/bin/sh
# Makes secrets/: a password for each Redis user, the ACL file with their digests, and a token for edge clients. Leaves alone what is there.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "make-secrets.sh: secrets is there already" >&2; exit 1; }
umask 077
mkdir secrets
echo "user default off" > secrets/users.acl
for part in gateway worker cron; do
  password=$(openssl rand -hex 32)
  printf 'redis://asynqjs-%s:%s@%s:6379\n' "$part" "$password" "${REDIS_HOST:-redis}" > "secrets/$part-redis-uri"
  printf '%s\n' "$password" | ../acl/user.sh "$part" >> secrets/users.acl
done
# One that may only enqueue, for edge clients; one that may do all, for cron functions elsewhere.
printf '%s enqueue critical default\n%s\n' "$(openssl rand -hex 32)" "$(openssl rand -hex 32)" > secrets/gateway-tokens
# Containers read them as users of their own.
chmod 755 secrets
chmod 644 secrets/*
