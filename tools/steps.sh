# For the scripts that run many steps (bash; sourced): one line when a step starts, one with its time when it ends, and of
# a failed one the end of its output and how to run it alone. What a step prints goes to a file under build/logs, except
# what a person at a terminal watches.
#
#     step NAME COMMAND...        runs it; its failure is returned
#     shown NAME COMMAND...       the same, but its output is shown as it comes
#     failed_steps                names of those that failed, one per line
logs=build/logs
steps_failed=()
mkdir -p $logs

failed_steps() { [ ${#steps_failed[@]} = 0 ] || printf '%s\n' "${steps_failed[@]}"; }

step() {
  local name=$1 started=$SECONDS log status=0
  shift
  log=$logs/${name//[ \/]/-}.log
  printf '==> %s\n' "$name"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  step_done "$name" "$status" $((SECONDS - started)) "$log" "$@"
}

shown() {
  local name=$1 started=$SECONDS status=0
  shift
  printf '==> %s\n' "$name"
  "$@" </dev/null || status=$?
  step_done "$name" "$status" $((SECONDS - started)) "" "$@"
}

# A build is watched at a terminal, where ninja keeps to one line, and logged elsewhere.
build() {
  local name=$1 folder=$2
  shift 2
  if [ -t 1 ]; then shown "$name" cmake --build "$folder" --target "$@"; else step "$name" cmake --build "$folder" --target "$@"; fi
}

step_done() {
  local name=$1 status=$2 seconds=$3 log=$4
  shift 4
  if [ "$status" = 0 ]; then
    printf '    %s: done in %s\n' "$name" "$(minutes "$seconds")"
    return 0
  fi
  steps_failed+=("$name")
  if [ -n "$log" ]; then
    printf '    the end of %s:\n' "$log"
    # Of a build, what the compiler said; of anything else, what came last.
    { grep -aE -A 12 'FAILED:|error:|fatal:' "$log" | head -n 60; echo ...; tail -n 25 "$log"; } | sed 's/^/    | /'
  fi
  printf '    %s: FAILED (exit code %s) after %s\n    alone:' "$name" "$status" "$(minutes "$seconds")"
  printf ' %q' "$@"
  printf '\n'
  return "$status"
}

minutes() { printf '%d:%02d min' $(($1 / 60)) $(($1 % 60)); }
