#!/bin/sh
# Creates the secrets of cloud/compose.yaml in the folder secrets/ beside this script; existing ones are kept.
#   secrets.sh init HOST...          authority, broker's certificate for these names, passwords, settings of
#                                    footlight-cloud configure
#   secrets.sh tokens                tokens of bridges, rollup and page, from InfluxDB, which must be up, and their settings
#   secrets.sh device SITE DEVICE    a certificate for the device SITE/DEVICE, for its mqtt.tls
#   secrets.sh revoke SITE DEVICE    revoke all certificates of this device; restart the broker afterwards
# Afterwards remove secrets/ca.key from the server: whoever has it can pretend to be any device.
set -eu
umask 077
folder=${FOOTLIGHT_SECRETS:-$(dirname "$0")/secrets}
days=${FOOTLIGHT_CERTIFICATE_DAYS:-825}

random() { openssl rand -hex 24; }

# Readable for the users inside the containers; other users of this machine cannot open the folder.
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

settings() { # TOKEN [CLIENT_ID]
    if [ $# -eq 2 ]; then
        cat <<YAML
mqtt:
  host: mosquitto
  port: 8883
  client_id: $2
  tls: {ca: /run/secrets/ca.crt, cert: /run/secrets/bridge.crt, key: /run/secrets/bridge.key}
YAML
    fi
    cat <<YAML
store:
  kind: influx
  url: http://influxdb:8086
  token: $1
  org: footlight
  bucket: footlight
YAML
}

for_page() {
    cat <<YAML
serve:
  page:
    host: 0.0.0.0
    # The name under which a reverse proxy shows the page, such as shops.example.com.
    names: []
    # Of docker: whoever connects is on this machine.
    proxies: [172.16.0.0/12, 192.168.0.0/16]
YAML
}

token() { # NAME RIGHT:BUCKET...
    token=$(docker compose --file "$(dirname "$0")/../compose.yaml" exec -T influxdb sh -s -- "$@" \
        <"$(dirname "$0")/influxdb-token.sh")
    if [ -z "$token" ]; then echo "secrets.sh: InfluxDB returned no token for $1; is it running?" >&2; exit 2; fi
    echo "$token"
}

revocations() { # writes the list into the existing file: a container would not see a new file of this name
    work=$(mktemp -d)
    printf '[ca]\ndefault_ca=own\n[own]\ndatabase=%s/index\ndefault_md=sha256\n' "$work" >"$work/conf"
    : >"$work/index"
    signed() { openssl ca -config "$work/conf" -keyfile "$folder/ca.key" -cert "$folder/ca.crt" "$@" 2>/dev/null; }
    for old in "$folder"/revoked/*.crt; do
        if [ -e "$old" ]; then signed -revoke "$old"; fi
    done
    # A long lifetime: a broker refuses everybody after the list has expired, and it does not fetch a new one.
    signed -gencrl -crldays 7300 -out "$work/crl"
    if [ -e "$folder/ca.crl" ]; then chmod u+w "$folder/ca.crl"; fi
    cat "$work/crl" >"$folder/ca.crl"
    chmod 444 "$folder/ca.crl"
    rm -r "$work"
}

need_names() { # SITE DEVICE
    for name in "$1" "$2"; do
        case $name in
        '' | [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]*)
            echo "secrets.sh: '$name' is not a valid name; use letters, digits, '_', '.' and '-'" >&2
            exit 2
            ;;
        esac
    done
    if [ ! -e "$folder/ca.key" ]; then
        echo "secrets.sh: $folder/ca.key is missing; run secrets.sh init first, or copy ca.key back" >&2
        exit 2
    fi
}

for_configure() { # HOST FOLDER
    cat <<YAML
mqtt:
  host: $1
  port: 8883
  tls: {ca: $2/ca.crt, cert: $2/configure.crt, key: $2/configure.key}
YAML
}

mkdir -p "$folder"
case "${1:-}" in
init)
    shift
    if [ $# -eq 0 ]; then echo "secrets.sh init: give the host names by which devices reach the broker" >&2; exit 2; fi
    if [ ! -e "$folder/ca.crt" ]; then
        # Python 3.13 and later need the key usage.
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$folder/ca.key" \
            -subj "/O=Footlight/CN=Footlight devices" -addext keyUsage=critical,keyCertSign,cRLSign \
            -days 7300 -sha256 -out "$folder/ca.crt" 2>/dev/null
        chmod 444 "$folder/ca.crt"
    fi
    mkdir -p "$folder/revoked"
    if [ ! -e "$folder/ca.crl" ]; then revocations; fi
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
    for_configure "$1" "$(cd "$folder" && pwd)" | keep configure.yaml
    for_configure mosquitto /run/secrets | keep page-configure.yaml
    ;;
tokens)
    # A bridge writes messages and reads its probes back; it cannot write the rollup's levels, nor the rollup its level.
    if [ ! -e "$folder/bridge-1.yaml" ] || [ ! -e "$folder/bridge-2.yaml" ]; then
        token=$(token bridge read:footlight write:footlight)
        settings "$token" bridge-1 | keep bridge-1.yaml
        settings "$token" bridge-2 | keep bridge-2.yaml
    fi
    if [ ! -e "$folder/rollup.yaml" ]; then
        token=$(token rollup read:footlight read:footlight_quarter write:footlight_quarter \
            read:footlight_day write:footlight_day)
        settings "$token" | keep rollup.yaml
    fi
    # The page reads, and writes who takes care of a notice. It listens inside its container, where nobody but this
    # machine and the other containers come.
    if [ ! -e "$folder/page.yaml" ]; then
        token=$(token page read:footlight write:footlight read:footlight_quarter read:footlight_day)
        { settings "$token"; for_page; } | keep page.yaml
    fi
    ;;
device)
    if [ $# -ne 3 ]; then echo "usage: secrets.sh device SITE DEVICE" >&2; exit 2; fi
    need_names "$2" "$3"
    mkdir -p "$folder/devices/$2"
    # The slash is part of the name: SITE/DEVICE is the device's part of the topic.
    certificate "devices/$2/$3" "/CN=$2\/$3" "extendedKeyUsage=clientAuth"
    echo "$folder/devices/$2/$3.crt"
    ;;
revoke)
    if [ $# -ne 3 ]; then echo "usage: secrets.sh revoke SITE DEVICE" >&2; exit 2; fi
    need_names "$2" "$3"
    if [ ! -e "$folder/devices/$2/$3.crt" ]; then echo "secrets.sh: no certificate of $2/$3 in this folder" >&2; exit 2; fi
    mkdir -p "$folder/revoked"
    serial=$(openssl x509 -in "$folder/devices/$2/$3.crt" -noout -serial)
    mv "$folder/devices/$2/$3.crt" "$folder/revoked/${serial#serial=}.crt"
    rm -f "$folder/devices/$2/$3.key"
    revocations
    echo "now: docker compose --file cloud/compose.yaml restart mosquitto"
    ;;
*)
    sed -n 's/^#   //p' "$0" >&2
    exit 2
    ;;
esac
