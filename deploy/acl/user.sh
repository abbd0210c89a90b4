#!/bin/sh
# Prints the line of Redis' ACL file that makes the user of a component. Its password, at least 32 characters, comes by standard input.
set -eu
rules="$(dirname "$0")/${1:?"usage: user.sh edge|worker|cron|gateway|read-only|operator < password-file"}.acl"
[ -r "$rules" ] || { echo "user.sh: there are no rules for '$1'" >&2; exit 2; }
IFS= read -r password || [ -n "$password" ]
if [ "${#password}" -lt 32 ]; then
  echo "user.sh: a password of at least 32 characters, please: openssl rand -hex 32" >&2
  exit 2
fi
# Redis keeps the digest alone.
digest=$(printf %s "$password" | openssl dgst -sha256 -r)
printf 'user asynqjs-%s reset on #%s %s\n' "$1" "${digest%% *}" "$(grep -v '^#' "$rules" | tr -s '\n ' ' ' | sed 's/ $//')"
