#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# target.sh BUILD TARGET: lets one fuzzer loose for FUZZ_SECONDS (60), with the seeds in BUILD/seeds. BUILD/TARGET gets its log,
# what it found, and in broken-* what broke it. It goes the same way each time, so that a run tells about the change at hand;
# FUZZ_SEED (1) leads elsewhere, and 0 to where nobody was yet.

set -eu
build=${1:?usage: target.sh BUILD TARGET} target=${2:?usage: target.sh BUILD TARGET}
here=$(cd "$(dirname "$0")" && pwd)

dict=$here/$target.dict
[[ -e $dict ]] || dict=$here/domain.dict # both are made of domain XML
mkdir -p "$build/$target/found"
exec "$build/tests/fuzz/fuzz-$target" -dict="$dict" -max_total_time="${FUZZ_SECONDS:-60}" -seed="${FUZZ_SEED:-1}" -timeout=30 \
    -print_final_stats=1 -artifact_prefix="$build/$target/broken-" "$build/$target/found" "$build/seeds/$target" >"$build/$target/log" 2>&1
