#!/bin/sh
# Fetches the images of cloud/compose.yaml once and prints their digests, which docker compose uses from then on: a tag
# can be moved, a digest cannot.
#   pin.sh >secrets/images.yaml       `make server` does this if the file is missing; delete it to get newer images
set -eu
here=$(dirname "$0")

pinned() { # IMAGE
    docker pull --quiet "$1" </dev/null >&2
    digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$1")
    case $digest in *@sha256:*) echo "$1@${digest#*@}" ;; *) echo "pin.sh: $1 has no digest" >&2; exit 2 ;; esac
}

base=$(sed -n 's/^ARG PYTHON=//p' "$here/Dockerfile")
python=$(pinned "$base")
echo "services:"
awk '/^  [a-z0-9-]+:/ { service = $1 } /^    image: / { print service, $2 }' "$here/../compose.yaml" |
    while read -r service image; do
        case $image in
        footlight:*) echo "  $service {build: {args: {PYTHON: \"$python\"}}}" ;;
        *) image=$(pinned "$image") && echo "  $service {image: \"$image\"}" || exit 2 ;;
        esac
    done
# Built from the same image; its settings are merged from the other bridge.
echo "  bridge-2: {build: {args: {PYTHON: \"$python\"}}}"
