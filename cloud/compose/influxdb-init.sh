#!/bin/sh
# Run once by the InfluxDB image after its setup, with the operator's rights: creates the two coarser levels and
# Grafana's read access to all three (docs/storage.md).
set -eu
bucket() { influx bucket list --name "$1" --hide-headers | cut -f 1; }

influx bucket create --name footlight_quarter --retention 728d --shard-group-duration 28d
influx bucket create --name footlight_day --retention 0 --shard-group-duration 364d
# User name and password of the 1.x interface: they work for InfluxQL, and can be chosen in advance.
reader=$(cat /run/secrets/influxdb_read_token)
influx v1 auth create --username "${reader%%:*}" --password "${reader#*:}" \
    --read-bucket "$(bucket footlight)" \
    --read-bucket "$(bucket footlight_quarter)" \
    --read-bucket "$(bucket footlight_day)"
