#!/usr/bin/env bash
# Starts PostgreSQL with the contract of the official image (github.com/docker-library/postgres), as far as the lab uses it:
# POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS, PGDATA, and the scripts
# (*.sh, *.sql) in /docker-entrypoint-initdb.d, run once. Started as root it owns the data directory and becomes the user
# postgres (999); started as the user 999 it expects a data directory that this user can write to.
set -Eeo pipefail

export PGDATA="${PGDATA:-/var/lib/postgresql/data}"
export PATH="/usr/lib/postgresql/15/bin:$PATH"

fail() {
  echo "postgres image: $*" >&2
  exit 1
}

# Sets the variable $1 from the file that $1_FILE names, where it is set.
read_file_variable() {
  local name="$1" file="${1}_FILE"
  [ -n "${!file:-}" ] || return 0
  [ -z "${!name:-}" ] || fail "$name and $file are both set; set one of them"
  export "$name=$(<"${!file}")"
  unset "$file"
}

become_postgres() {
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres:postgres "$PGDATA"
  chown postgres:postgres /var/run/postgresql
  chmod 0700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
}

# Makes the database cluster in a folder inside PGDATA and moves it in place when it is complete, PG_VERSION last: a
# container that is killed meanwhile leaves nothing that looks like a database and is none.
initialise() {
  local staging="$PGDATA/.initialising"
  if [ ! -e "$staging/complete" ]; then
    rm -rf "$staging"
    PGDATA="$staging" create_cluster
    touch "$staging/complete"
  fi
  find "$staging" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name complete -exec mv -t "$PGDATA" {} +
  mv "$staging/PG_VERSION" "$PGDATA/"
  rm -rf "$staging"
}

create_cluster() {
  local user="${POSTGRES_USER:-postgres}"
  local database="${POSTGRES_DB:-$user}"
  [ -n "${POSTGRES_PASSWORD:-}" ] || fail "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE to create the database"
  # The password goes through a pipe: it is in no argument and in no file.
  # shellcheck disable=SC2086  # POSTGRES_INITDB_ARGS is a list of arguments
  initdb --username="$user" --auth-host=scram-sha-256 --auth-local=trust --encoding=UTF8 --locale=C.UTF-8 \
    --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") $POSTGRES_INITDB_ARGS
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"

  pg_ctl --wait --options="-c listen_addresses=''" start
  if [ "$database" != postgres ]; then
    psql --no-psqlrc --username="$user" --dbname=postgres -v ON_ERROR_STOP=1 -v name="$database" \
      <<<'CREATE DATABASE :"name";'
  fi
  run_scripts "$user" "$database"
  pg_ctl --wait --mode=fast stop
}

run_scripts() {
  local script
  for script in /docker-entrypoint-initdb.d/*; do
    case "$script" in
      *.sh) . "$script" ;;
      *.sql) psql --no-psqlrc --username="$1" --dbname="$2" -v ON_ERROR_STOP=1 --file="$script" ;;
    esac
  done
}

# `-c name=value` alone means the server with these options, as in the official image.
if [ "${1:0:1}" = - ]; then
  set -- postgres "$@"
fi

if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    become_postgres "$@"
  fi
  read_file_variable POSTGRES_PASSWORD
  read_file_variable POSTGRES_USER
  read_file_variable POSTGRES_DB
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA" || true
  [ -s "$PGDATA/PG_VERSION" ] || initialise
  unset POSTGRES_PASSWORD
fi

exec "$@"
