#!/bin/sh
# A small licence client with curl, OpenSSL 3, jq 1.6 and coreutils: claims a seat, keeps it by heartbeats, works while the
# server is away, gives it back. usage: client.sh [BEATS [LONGEST-WAIT]]
# Each time something is known it prints a line of JSON: whether new work may begin (may), why (code), and until when this
# holds without another answer (until, seconds). Settings are variables of the environment; see README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd) beats=${1:-0} most=${2:-86400}
pin() { jq -er "$1" "$here/pinned.json"; } # whom to trust comes with the tool, not from a setting
issuer=$(pin .issuer) tool=$(pin .tool) ahead=300 longest=300 failures=0 n=0
file=${FLAGOS_LICENCE_FILE:-} url=${FLAGOS_LICENCE_URL:-} key=${FLAGOS_LICENCE_KEY:-} home=${FLAGOS_LICENCE_STATE:-licence-state}
run=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')

contained() {
  [ -n "${KUBERNETES_SERVICE_HOST:-}" ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ] || [ -e /run/secrets/kubernetes.io ]
}
fingerprint() { # the first stable id that exists; an invented one would eat a seat at each start
  if [ -n "${FLAGOS_NODE_ID:-}" ]; then printf %s "$FLAGOS_NODE_ID"; return; fi
  if [ -n "${FLAGOS_CLUSTER:-}" ] && [ -n "${NODE_NAME:-}" ]; then printf %s "k8s:$FLAGOS_CLUSTER.$NODE_NAME"; return; fi
  machine=${FLAGOS_MACHINE_ID_FILE:-}
  if [ -z "$machine" ] && ! contained; then machine=/etc/machine-id; fi
  told=$(cat "${machine:-/dev/null}" 2>/dev/null || true)
  printf %s "$told" | grep -Eqx '[0-9a-f]{32}' || return 0
  # machine-id(5): it is confidential and leaves the host only as a keyed hash
  printf 'sha256:%s' "$(printf %s "$tool" | openssl dgst -sha256 -mac HMAC -macopt "key:$told" | sed 's/.* //')"
}
node=$(fingerprint)
if ! printf %s "$node" | grep -Eqx '[A-Za-z0-9][A-Za-z0-9._:-]{2,127}'; then
  echo "No stable id of this machine is known, so it cannot hold a seat: set FLAGOS_NODE_ID, or FLAGOS_CLUSTER with NODE_NAME (Kubernetes: spec.nodeName), or mount the host's /etc/machine-id and name it in FLAGOS_MACHINE_ID_FILE." >&2
  exit 1
fi
if [ -z "$key" ] && [ -n "${FLAGOS_LICENCE_KEY_FILE:-}" ]; then key=$(cat "$FLAGOS_LICENCE_KEY_FILE"); fi
if [ -z "$file" ] && { [ -z "$url" ] || [ -z "$key" ]; }; then
  echo "Set FLAGOS_LICENCE_FILE, or FLAGOS_LICENCE_URL and FLAGOS_LICENCE_KEY." >&2; exit 1
fi
(umask 077; mkdir -p "$home"); work=$(mktemp -d); ends=""
trap 'rm -rf "$work"' EXIT; trap 'ends=1' TERM INT

kept() { cat "$home/$1" 2>/dev/null || true; }
keep() { (umask 077; printf %s "$2" > "$home/$1.new") && mv "$home/$1.new" "$home/$1"; } # whole or not at all
say() { jq -nc --argjson m "$1" --arg c "$2" --argjson u "$3" '{may: $m, code: $c, until: $u}'; }
claim() { p=$(cut -d. -f2 "$1" | tr -- -_ +/); while [ $((${#p} % 4)) -ne 0 ]; do p="$p="; done; printf %s "$p" | base64 -d | jq -r ".$2"; }

state() { # CODE, ANSWERED – by an answer just now, else by what is proved
  now=$(date +%s) mark=$(kept mark); mark=${mark:-0}
  if [ "$now" -gt "$mark" ]; then keep mark "$now"; fi
  if [ "$now" -lt $((mark - ahead)) ]; then say false CLOCK_SET_BACK 0; return; fi
  proof=${file:-$home/proof} refused=$(kept refused)
  if [ -s "$proof" ] && NOW=$now sh "$here/verify.sh" "$here/pinned.json" "$proof" "$issuer" "$tool" "$node" >/dev/null 2>&1; then
    until=$(claim "$proof" exp) issued=$(claim "$proof" iat)
    if [ "$issued" -gt "$(kept mark)" ]; then keep mark "$issued"; fi
  else until=""; fi
  if [ -z "$file" ] && [ -n "$refused" ]; then say false "$refused" 0
  elif [ -n "$until" ]; then say true "$1" "$until"
  elif [ -n "$file" ]; then say false FILE_REFUSED 0
  else say "$2" "$1" 0; fi
}
send() { # METHOD, BODY, QUERY – the key goes into the header by standard input: no list of processes shows it
  : > "$work/body"; : > "$work/head"
  printf 'header = "Authorization: Bearer %s"\n' "$key" | curl -sS -K - -m 10 -X "$1" -o "$work/body" -D "$work/head" \
    -w '%{http_code}' -H 'Content-Type: application/json' -H 'Accept-Language: en' ${2:+--data "$2"} \
    "${url%/}/api/v1/licences/nodes/$node$3" 2>/dev/null || true
}
beat() { # sets next, the seconds until the next one
  next=$longest
  if [ -n "$file" ]; then state OFFLINE_FILE false; return; fi
  status=$(send PUT "$(jq -nc --arg r "$run" --arg t "$tool" '{run: $r, tool: $t}')" "")
  code=$(jq -r '.code // ""' "$work/body" 2>/dev/null || true)
  case $status in
    200 | 201)
      failures=0; keep refused ""; keep proof "$(jq -r '.proof // ""' "$work/body")"
      next=$(jq -r .renew_after_s "$work/body"); state "$code" true; return ;;
    408 | 429) code="" ;;
    4??) ;;
    *) code="" ;;
  esac
  if [ -n "$code" ]; then keep refused "$code"; keep proof ""; state "$code" false # an answer: it counts at once
  else state SERVER_AWAY false; fi                                               # no answer says nothing
  failures=$((failures + 1)) next=5 i=0
  while [ $i -lt $failures ] && [ $next -lt $longest ]; do next=$((next * 2)); i=$((i + 1)); done
  if [ $next -gt $longest ]; then next=$longest; fi
  retry=$(tr -d '\r' < "$work/head" | sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9][0-9]*\)$/\1/p' | tail -n 1); next=${retry:-$next}
}

while [ -z "$ends" ]; do
  beat; n=$((n + 1))
  if [ "$n" -eq "$beats" ]; then break; fi
  dice=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
  pause=$(awk -v w="$next" -v d="$dice" -v m="$most" 'BEGIN { s = w * (0.9 + 0.2 * d / 65535); printf "%.3f", (s > m) ? m : s }')
  if [ "${pause%.*}" -lt 1 ]; then sleep "$pause"; fi
  while [ -z "$ends" ] && [ "${pause%.*}" -ge 1 ]; do sleep 1; pause=$((${pause%.*} - 1)); done # told to end, it ends in a second
done
if [ -z "$file" ] && [ "$(send DELETE "" "?run=$run")" = 204 ]; then keep proof ""; fi
