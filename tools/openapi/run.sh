#!/usr/bin/env bash
# Lints docs/openapi.json, generates clients from it, compiles them, and uses them on a running service:
#   tools/openapi/run.sh http://localhost:5080 [FOLDER]
# In FOLDER, or a temporary one, because the repository's own build settings are not for generated code.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
url=${1:?Which service: tools/openapi/run.sh http://localhost:5080}
work=${2:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
cp -r "$here"/. "$work"
cp "$here/../../docs/openapi.json" "$work"
cd "$work"
export DOTNET_NOLOGO=1 KIOTA_TELEMETRY_OPTOUT=1 KIOTA_OFFLINE_ENABLED=1 REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error > /dev/null
PATH="$work/node_modules/.bin:$PATH"

redocly lint openapi.json --extends=recommended --format=summary > redocly.txt 2>&1 || { cat redocly.txt; exit 1; }
if grep -E '^(error|warning) ' redocly.txt; then exit 1; fi
echo "Redocly: no error, no warning"
spectral lint openapi.json --ruleset spectral.yaml --fail-severity=hint --quiet
echo "Spectral: no error, no warning, no hint"

openapi-typescript openapi.json --output openapi-typescript/schema.d.ts > /dev/null
openapi-ts --input openapi.json --output hey-api --silent > /dev/null
tsc --project .
node out/use-openapi-fetch.js "$url"
node out/use-hey-api.js "$url"

dotnet tool restore > /dev/null
dotnet kiota generate --language CSharp --openapi openapi.json --class-name NotifyApiClient --namespace-name NotifyApi --output kiota/generated > kiota.txt 2>&1 \
  || { cat kiota.txt; exit 1; }
dotnet run --project kiota --configuration Release -- "$url"
