#!/usr/bin/env bash
# Installs the example of docs/examples into a temporary folder, and tests it as its author would:
# its tools on a real server, its section against the types of the npm package as it is published.
# Nothing is installed into the environment. Needs `jlpm build:lib`.
set -euo pipefail
cd "$(dirname "$0")/.."
example=docs/examples/word_count
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tools() {
  python -m pip install --quiet --no-deps --target "$work/python" "$example"
  PYTHONPATH="$work/python${PYTHONPATH:+:$PYTHONPATH}" \
    python -m pytest -q -p no:cacheprovider -c "$example/pyproject.toml" --rootdir "$example" \
    "$example/tests"
}

section() {
  local package=$work/front/node_modules/jmcp-lab
  mkdir -p "$package"
  jlpm pack --out "$work/jmcp-lab.tgz" >"$work/packed"
  tar -xzf "$work/jmcp-lab.tgz" -C "$package" --strip-components=1
  # Everything else that it imports is found in the folder above.
  ln -s "$root/node_modules" "$work/node_modules"
  cp -r "$example/src" "$example/tsconfig.json" "$work/front/"
  node_modules/.bin/tsc --project "$work/front"
}

# Side by side: the one waits for servers, the other computes.
(section) &
types=$!
tools
wait "$types"
