#!/usr/bin/env bash
# Changes the product in one area, one place at a time, and sees which changes its tests notice: tools/mutation/run.sh AREA [FILES]
set -euo pipefail
cd "$(dirname "$0")"
area=${1:?routing, sessions, replay, tail, publishing or log}
case $area in
  routing|sessions|replay) project=Notify.Engine.csproj; files="**/Delivery/${area^}/*.cs" ;;
  tail|publishing) project=Notify.Engine.csproj; files="**/${area^}/*.cs" ;;
  log) project=Notify.Storage.csproj; files="**/Storage/Log/*.cs" ;;
  *) echo "No area $area" >&2; exit 2 ;;
esac

# The tests of that area alone are compiled; a property test draws the same cases each time, and nothing is waited for long.
export MutationArea=$area CsCheck_Seed=0N0XIzNsQ0O2 CsCheck_Iter=200 NOTIFY_TEST_PATIENCE=10 DOTNET_NOLOGO=1
dotnet tool restore > /dev/null
dotnet stryker --project "$project" --mutate "${2:-$files}" --output "results/$area" "${@:3}"
