#!/bin/sh
# Verifies an offline licence file with OpenSSL 3, jq 1.6 and coreutils alone.
# usage: verify.sh KEYS.json FILE.lic ISSUER TOOL NODE – prints the file's id, or fails
set -eu
raw() { t=$(printf %s "$1" | tr -- -_ +/); while [ $((${#t} % 4)) -ne 0 ]; do t="$t="; done; printf %s "$t" | base64 -d; }
strict() { [ "$(raw "$1" | base64 -w0 | tr -- +/ -_ | tr -d =)" = "$1" ]; }
d=$(mktemp -d); trap 'rm -r "$d"' EXIT
cr=$(printf '\r'); token=$(cat "$2"); token=${token%"$cr"}
[ "$(tr -d 'A-Za-z0-9_.\r\n-' < "$2" | wc -c)" -eq 0 ]                                     # no other letter, nor NUL
case $token in *"$cr"* | *"
"* | *.*.*.*) exit 1 ;; *.*.*) ;; *) exit 1 ;; esac                                         # one line of three parts
h=${token%%.*}; s=${token##*.}; p=${token#*.}; p=${p%.*}
strict "$h"; strict "$p"; strict "$s"                                                       # one spelling of each
raw "$h" > "$d/head"; raw "$p" > "$d/body"; raw "$s" > "$d/sig"; printf %s "$h.$p" > "$d/msg"
kid=$(jq -ser 'if length==1 then .[0] else empty end | select((.alg=="EdDSA" or .alg=="Ed25519") and .typ=="licence+jwt" and (has("crit")|not)).kid|strings' "$d/head")
x=$(jq -er --arg k "$kid" '.keys[] | select(.kid==$k).x' "$1"); [ ${#x} -eq 43 ]
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; raw "$x"; } > "$d/pub"         # RFC 8410
openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$d/pub" -in "$d/msg" -sigfile "$d/sig" >/dev/null
jq -ser --arg i "$3" --arg t "$4" --arg n "$5" --argjson now "${NOW:-null}" '
  def texts: type=="array" and all(.[]; type=="string"); def second: type=="number" and .==floor and .<9e15;
  ($now // now) as $now | if length==1 then .[0] else empty end | select(.iss==$i
    and (.aud|texts) and (.aud|index([$t])) and (.nodes|texts) and (.nodes|index([$n]))
    and (.nbf|second) and (.exp|second) and .nbf-300<=$now and $now<.exp).jti|strings' "$d/body"
