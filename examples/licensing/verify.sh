#!/bin/sh
# Verifies an offline licence file with OpenSSL 3, jq 1.6 and coreutils alone.
# usage: verify.sh KEYS.json FILE.lic ISSUER TOOL NODE – prints the file's id, or fails
set -eu
raw() { t=$(printf %s "$1" | tr -- -_ +/); while [ $((${#t} % 4)) -ne 0 ]; do t="$t="; done; printf %s "$t" | base64 -d; }
strict() { [ "$(raw "$1" | base64 -w0 | tr -- +/ -_ | tr -d =)" = "$1" ]; }
d=$(mktemp -d); trap 'rm -r "$d"' EXIT
[ "$(tr -cd . < "$2" | wc -c)" -eq 2 ]                                                      # three parts
IFS=. read -r h p s < "$2" || [ "$s" ]
strict "$h"; strict "$p"; strict "$s"                                                       # one spelling of each
kid=$(raw "$h" | jq -er 'select((.alg=="EdDSA" or .alg=="Ed25519") and .typ=="licence+jwt" and (has("crit")|not)).kid')
x=$(jq -er --arg k "$kid" '.keys[] | select(.kid==$k).x' "$1"); raw "$s" > "$d/sig"; printf %s "$h.$p" > "$d/msg"
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; raw "$x"; } > "$d/pub"         # RFC 8410
openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$d/pub" -in "$d/msg" -sigfile "$d/sig" >/dev/null
raw "$p" | jq -er --arg i "$3" --arg t "$4" --arg n "$5" --argjson now "${NOW:-null}" \
  '($now // now) as $now | select(.iss==$i and (.aud|index($t)) and (.nodes|index($n)) and .nbf-300<=$now and $now<.exp).jti'
