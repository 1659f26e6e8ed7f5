#!/usr/bin/env bash
# Changes the product in one area, one place at a time, and sees which changes its tests notice: tools/mutation/run.sh AREA[:FILE,FILE] [stryker's options]
set -f -euo pipefail # -f: patterns are for stryker, not for the shell
cd "$(dirname "$0")"
IFS=: read -r area only <<< "${1:-}"
project=Notify.Engine.csproj
case $area in
  routing) files=(Delivery/Routing/*) ;;
  parts) files=(Delivery/Sessions/{SharedPages,SessionQueue,SessionSignals,DispatchUnit,CatchUpPage,IntervalReading} Delivery/Replay/TopicPlan Delivery/Frames/* Tail/{Ring,LogView,ParkedHints,BlockCache}) ;;
  sessions) files=(Delivery/Sessions/* Delivery/Replay/*) ;;
  tail) files=(Tail/*) ;;
  publishing) files=(Publishing/*) ;;
  log) project=Notify.Storage.csproj; files=(Log/* Sqlite/{SqliteAppend,SqliteReader}) ;;
  *) echo "Areas: routing, parts, sessions, tail, publishing, log" >&2; exit 2 ;;
esac
[ -z "$only" ] || IFS=, read -ra files <<< "$only"

# The tests of the area alone are compiled. A property test draws the same cases each time, and no test waits long for what will not come.
export MutationArea=$area CsCheck_Seed=0N0XIzNsQ0O2 CsCheck_Iter=200 NOTIFY_TEST_PATIENCE=10 RunAnalyzersDuringBuild=false DOTNET_NOLOGO=1
dotnet tool restore > /dev/null
dotnet stryker --project "$project" $(printf -- '--mutate **/%s.cs ' "${files[@]}") --output "results/$area" "${@:2}"
