#!/bin/sh
# Writes understudy_fb/ from understudy.fbs; needs flatc (Debian: flatbuffers-compiler).
# flatc imports its modules by an absolute name that only exists at the top of a path: make it relative.
set -e
cd "$(dirname "$0")"
rm -rf understudy_fb
flatc --python understudy.fbs
for file in understudy_fb/*.py; do
    sed -i 's/from understudy_fb\./from ./' "$file"
    [ -s "$file" ] && sed -i '1i # mypy: ignore-errors' "$file"
done
echo '"""Written by flatc from understudy.fbs; `sh bridge/schema/generate.sh` renews it."""' \
    > understudy_fb/__init__.py
flatc --binary --schema understudy.fbs
