#!/bin/sh
# Fetches ReDoc from the npm registry and stores it beside this script, compressed and without the address of a logo that it
# would load from elsewhere.
set -eu
version=2.5.4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent "redoc@$version" >/dev/null
tar xzf "redoc-$version.tgz"
sed 's#https://cdn.redoc.ly/redoc/logo-mini.svg#data:,#' package/bundles/redoc.standalone.js | gzip -9n >"$here/redoc.standalone.js.gz"
cat package/LICENSE package/bundles/redoc.standalone.js.LICENSE.txt >"$here/redoc.LICENSE.txt"
