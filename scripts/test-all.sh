#!/usr/bin/env bash
# Every gate and every test, cheapest first; what fails ends the run. What checks Python and what
# checks the front end run side by side.
# Expects an environment with `pip install -e ".[test]"`; run it as `jlpm test:all`.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
front_end=
end() {
  if [ -n "$front_end" ]; then kill -- "-$front_end" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap end EXIT

gate() {
  local title=$1
  shift
  printf '\n=== %s\n' "$title"
  local started=$SECONDS
  if ! "$@"; then
    printf '\n!!! %s failed after %d s: %s\n' "$title" $((SECONDS - started)) "$*" >&2
    exit 1
  fi
  printf -- '--- %s: %d s\n' "$title" $((SECONDS - started))
}

# An editable install copies the built front end; linked, the browser sees the build made here.
build_and_link() {
  jlpm build && jupyter-builder develop . --overwrite
}

# Run tests side by side. A few that fail then are run once more, one after the other: they wait for
# kernels and pages, for which a computer that does all of this at once may not find the time. They
# are named, and fail for good where they fail by themselves.
#   tests <folder of pytest's cache> <workers> <way of sharing them> <arguments>...
tests() {
  local cache=$1/v/cache/lastfailed workers=$2 shared=$3 code=0
  shift 3
  rm -f "$cache"
  python -m pytest -n "$workers" --dist "$shared" "$@" || code=$?
  if [ "$code" -ne 1 ]; then return "$code"; fi
  printf '\n--- once more, by themselves:\n'
  python - "$cache" <<'END' && python -m pytest --last-failed --last-failed-no-failures none "$@"
import json, sys
failed = list(json.load(open(sys.argv[1])))
print(*failed, sep="\n")
sys.exit(len(failed) > 5)
END
}

python_gates() {
  gate "ruff: lint" ruff check .
  gate "ruff: format" ruff format --check .
  gate "mypy: types" python -m mypy --strict jmcp_lab docs/examples/word_count/word_count
  gate "import-linter: one direction of imports" lint-imports
  gate "file lengths" python scripts/check_file_lengths.py
  gate "docs: the site builds without a warning" \
    python -m sphinx -q -W --keep-going -n docs docs/_build
}

front_end_gates() {
  gate "eslint, prettier, stylelint" jlpm lint:check
  gate "tsc: types" jlpm types:check
  gate "jest: front-end tests" jlpm test
  gate "front end: build and link" build_and_link
}

# With a process group of its own, so that nothing of it is left where somebody stops this.
set -m
(front_end_gates) >"$work/front-end.log" 2>&1 </dev/null &
front_end=$!
set +m
code=0
(python_gates) || code=$?
wait "$front_end" || code=$?
front_end=
cat "$work/front-end.log"
if [ "$code" -ne 0 ]; then
  printf '\n!!! At least one gate failed: see above.\n' >&2
  exit "$code"
fi

gate "the example package: tools, section, plugin" bash scripts/test_example.sh
# Most of a server test is waiting: for a kernel, a save. So there are more workers than cores; a
# page draws, and that is work.
cores=$(python -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())')
workers=$(((cores * 3 + 1) / 2))
gate "pytest: server tests" tests .pytest_cache "$workers" worksteal
# The tests of one file share a server.
gate "pytest: browser tests" tests ui-tests/.pytest_cache "$cores" loadfile \
  -c ui-tests/pytest.ini --rootdir ui-tests ui-tests

printf '\nAll gates passed in %d s.\n' "$SECONDS"
