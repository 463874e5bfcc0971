#!/usr/bin/env bash
# Fill a folder with the packages that `check.py` needs beside torch, for a machine without a network:
#
#     tests/device/wheels.sh FOLDER [VERSION [PACKAGE...]]
#
# VERSION is that of its Python, 3.12 by default. All packages are fetched, or those that are named; the versions are those of
# constraints.txt. The machine takes only what it lacks, and keeps its torch.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:?a folder for the wheels}
version=${2:-3.12}
packages=("${@:3}")
if [ ${#packages[@]} = 0 ]; then
  read -r -d '' -a packages < <(cut -d ' ' -f 2- "$root/tests/device/packages.txt" && printf '\0')
fi
platforms=(--platform manylinux2014_x86_64)
for glibc in 17 24 26 27 28 31 34; do
  platforms+=(--platform "manylinux_2_${glibc}_x86_64")
done
python3 -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version "$version" "${platforms[@]}" \
  --constraint "$root/constraints.txt" --dest "$folder" "${packages[@]}"
du -sh "$folder"
