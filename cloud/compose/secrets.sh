#!/bin/sh
# Makes the secrets of cloud/compose.yaml in the folder secrets/ beside this script; what is there is kept.
#   secrets.sh init HOST...          authority, broker's certificate for these names, tokens, settings of the bridges
#                                    and of footlight-cloud configure
#   secrets.sh device SITE DEVICE    a certificate under which a device speaks as SITE/DEVICE, for its mqtt.tls
# Afterwards take secrets/ca.key away from the server: who has it can be any device.
set -eu
umask 077
folder=${FOOTLIGHT_SECRETS:-$(dirname "$0")/secrets}
days=${FOOTLIGHT_CERTIFICATE_DAYS:-825}

random() { openssl rand -hex 24; }

# Readable for the users inside the containers; the folder is closed to everybody else on this machine.
keep() { if [ ! -e "$folder/$1" ]; then cat >"$folder/$1"; chmod 444 "$folder/$1"; fi; }

certificate() { # NAME SUBJECT EXTENSIONS
    if [ -e "$folder/$1.crt" ]; then return; fi
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$folder/$1.key" \
        -subj "$2" -out "$folder/$1.csr" 2>/dev/null
    printf '%s\nauthorityKeyIdentifier=keyid\n' "$3" >"$folder/$1.ext"
    openssl x509 -req -in "$folder/$1.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial \
        -days "$days" -sha256 -extfile "$folder/$1.ext" -out "$folder/$1.crt" 2>/dev/null
    rm "$folder/$1.csr" "$folder/$1.ext"
    chmod 444 "$folder/$1.crt" "$folder/$1.key"
}

settings() { # CLIENT_ID
    cat <<YAML
mqtt:
  host: mosquitto
  port: 8883
  client_id: $1
  tls: {ca: /run/secrets/ca.crt, cert: /run/secrets/bridge.crt, key: /run/secrets/bridge.key}
store:
  kind: influx
  url: http://influxdb:8086
  token: $(cat "$folder/influxdb_token")
  org: footlight
  bucket: footlight
YAML
}

for_configure() { # HOST
    here=$(cd "$folder" && pwd)
    cat <<YAML
mqtt:
  host: $1
  port: 8883
  tls: {ca: $here/ca.crt, cert: $here/configure.crt, key: $here/configure.key}
YAML
}

mkdir -p "$folder"
case "${1:-}" in
init)
    shift
    if [ $# -eq 0 ]; then echo "secrets.sh init: name the hosts under which devices reach the broker" >&2; exit 2; fi
    if [ ! -e "$folder/ca.crt" ]; then
        # Python from 3.13 on wants to be told what the key may do.
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$folder/ca.key" \
            -subj "/O=Footlight/CN=Footlight devices" -addext keyUsage=critical,keyCertSign,cRLSign \
            -days 7300 -sha256 -out "$folder/ca.crt" 2>/dev/null
        chmod 444 "$folder/ca.crt"
    fi
    names="DNS:mosquitto"
    for host; do
        case $host in *[!0-9.]*) names="$names,DNS:$host" ;; *) names="$names,IP:$host" ;; esac
    done
    certificate broker "/CN=mosquitto" "subjectAltName=$names
extendedKeyUsage=serverAuth"
    certificate bridge "/CN=bridge" "extendedKeyUsage=clientAuth"
    certificate configure "/CN=configure" "extendedKeyUsage=clientAuth"
    random | keep influxdb_password
    random | keep influxdb_token
    echo "grafana:$(random)" | keep influxdb_read_token
    random | keep grafana_password
    settings bridge-1 | keep bridge-1.yaml
    settings bridge-2 | keep bridge-2.yaml
    for_configure "$1" | keep configure.yaml
    ;;
device)
    if [ $# -ne 3 ]; then echo "usage: secrets.sh device SITE DEVICE" >&2; exit 2; fi
    for name in "$2" "$3"; do
        case $name in
        '' | [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]*)
            echo "secrets.sh: '$name' is no name; letters, digits, '_', '.' and '-'" >&2
            exit 2
            ;;
        esac
    done
    if [ ! -e "$folder/ca.key" ]; then echo "secrets.sh: no authority yet; run secrets.sh init first" >&2; exit 2; fi
    mkdir -p "$folder/devices/$2"
    # The slash belongs to the name, which is the part of the topic that is the device's own.
    certificate "devices/$2/$3" "/CN=$2\/$3" "extendedKeyUsage=clientAuth"
    echo "$folder/devices/$2/$3.crt"
    ;;
*)
    sed -n 's/^#   //p' "$0" >&2
    exit 2
    ;;
esac
