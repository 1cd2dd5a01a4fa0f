#!/bin/sh
# Run once by the image of InfluxDB after its setup, with the rights of the operator: the two coarser levels, and
# Grafana's right to read all three (docs/storage.md).
set -eu
bucket() { influx bucket list --name "$1" --hide-headers | cut -f 1; }

influx bucket create --name footlight_quarter --retention 728d --shard-group-duration 28d
influx bucket create --name footlight_day --retention 0 --shard-group-duration 364d
# A name and a password of the 1.x interface: InfluxQL can be asked with them, and they can be chosen beforehand.
reader=$(cat /run/secrets/influxdb_read_token)
influx v1 auth create --username "${reader%%:*}" --password "${reader#*:}" \
    --read-bucket "$(bucket footlight)" \
    --read-bucket "$(bucket footlight_quarter)" \
    --read-bucket "$(bucket footlight_day)"
