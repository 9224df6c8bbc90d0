#!/bin/sh
# Fuzzes every endpoint of the API against its own OpenAPI document: no answer may be a server error, and every answer
# must be one that the document describes.
#
# usage: tests/api-fuzz.sh PATH-OF-EXPACTI [MAX-EXAMPLES]
# Needs `schemathesis` (from PyPI) in PATH, and root, who may add reviewers on the local socket. Asks nothing of the
# network: the daemon is simulated and listens on loopback.
set -eu

expacti=$1
examples=${2:-30}
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
mkdir "$folder/home"
# With rules and a log that has a past, so that every endpoint has something to answer from.
"$expacti" simulate --socket "$folder/api.sock" --reviewers "$folder/reviewers.toml" --attempts 60 \
    --requests "$here/web/support/requests.jsonl" --starter all --home "$folder/home" --past 300 \
    --tcp 127.0.0.1:0 --rate 1000000 >"$folder/said" &
daemon=$!
trap 'kill $daemon; rm -rf "$folder"' EXIT
waited=0
until grep -q 'http://' "$folder/said"; do
    waited=$((waited + 1))
    [ $waited -le 100 ] || { echo "the simulation does not start" >&2; exit 1; }
    sleep 0.1
done
url=$(sed -n 's/.*\(http:[^)]*\)).*/\1/p' "$folder/said")
token=$("$expacti" reviewer add fuzz --role viewer --role reviewer --role admin --socket "$folder/api.sock" 2>/dev/null)

# Left out: the live stream, which does not end by itself, and the check that every request which fits the document is
# accepted, because rules between two fields (`for_ms` belongs to `"repeat": "for"`) are not in it.
#
# Revoking reviewers comes last and alone: once it finds its own name, everything after it is asked by nobody.
cd "$folder"
# A simulation gates nothing, and says so with a 503 where a real gate is asked for.
cat >schemathesis.toml <<END
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
END
fuzz() {
    schemathesis run "$url/v1/openapi.json" --header "Authorization: Bearer $token" \
        --checks all --exclude-checks positive_data_acceptance --exclude-path /v1/events \
        --max-examples "$examples" --seed 1 --no-color "$@"
}
fuzz --exclude-path '/v1/reviewers/{name}'
fuzz --include-path '/v1/reviewers/{name}'
