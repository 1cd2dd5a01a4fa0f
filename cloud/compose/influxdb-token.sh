#!/bin/sh
# Prints a new InfluxDB 2 token with only these rights; secrets.sh runs it inside the container.
#   influxdb-token.sh NAME (read|write):BUCKET...
set -eu
name=$1
shift
INFLUX_TOKEN=$(cat /run/secrets/influxdb_token)
export INFLUX_TOKEN INFLUX_ORG=footlight

right() { # RIGHT:BUCKET
    id=$(influx bucket list --name "${1#*:}" --hide-headers | cut -f 1)
    if [ -z "$id" ]; then echo "influxdb-token.sh: bucket ${1#*:} does not exist" >&2; exit 2; fi
    echo "--${1%%:*}-bucket $id"
}

rights=
for one; do
    found=$(right "$one")
    rights="$rights $found"
done
# Split on purpose: the rights and ids contain no spaces.
# shellcheck disable=SC2086
influx auth create --description "$name" $rights --json | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p'
