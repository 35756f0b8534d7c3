#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# interop.sh BUILD: signature and chain of an assertion, judged by stacks nobody here wrote: openssl,
# python3-jwcrypto, npm's jose. Each must accept what is good and refuse it with one byte changed. The
# last lines show what they cannot see and why `mohr verify` exists: they take the forged one, too.
set -u
build=$(cd "${1:-build}" && pwd)
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d /tmp/mohr-interop.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
status=0

check() { # WHAT COMMAND...: passes if the command succeeds
        what=$1
        shift
        if "$@" >out 2>&1; then
                echo "ok - $what"
        else
                sed 's/^/    /' out
                echo "not ok - $what"
                status=1
        fi
}
fails() { # CODE COMMAND...: succeeds if the command exits with that code
        code=$1
        shift
        "$@"
        [ $? = "$code" ]
}
decode() { # base64url of $1
        text=$(printf '%s' "$1" | tr '_-' '/+')
        case $((${#text} % 4)) in 2) text=$text== ;; 3) text=$text= ;; esac
        printf '%s' "$text" | openssl base64 -d -A
}

"$build/tests/sample_assertion" . || { echo 'not ok - a sample is made'; exit 1; }
good=$(cat good)
body=${good#*.}
payload=${body%.*}
printf '%s.%sA.%s\n' "${good%%.*}" "${payload%?}" "${good##*.}" >changed
[ "$(cat changed)" != "$good" ] || printf '%s.%sQ.%s\n' "${good%%.*}" "${payload%?}" "${good##*.}" >changed

verify() { "$build/mohr" verify --trust root.pem --audience https://bank.example --nonce 0123456789abcdef "$@"; }
check 'mohr accepts it' verify good
check 'mohr refuses a changed byte' fails 21 verify changed
check 'mohr refuses another name, signed by the same card' fails 21 verify forged
check 'mohr tells an expired certificate apart' fails 22 verify expired

# ---- openssl: chain and signature -----------------------------------------------------------------
decode "${good%%.*}" >header
decode "$payload" >payload.json
for which in 1 2; do
        sed 's/.*"x5c":\["//; s/"\].*//; s/","/\n/' header | sed -n "${which}p" | openssl base64 -d -A |
                openssl x509 -inform DER -out "cert$which.pem"
done
decode "${good##*.}" >signature
openssl x509 -in cert1.pem -noout -pubkey >key.pem
printf '%s' "${good%.*}" >signed
check 'openssl builds the chain' openssl verify -CAfile root.pem -untrusted cert2.pem cert1.pem
check 'openssl verifies the signature' openssl dgst -sha256 -verify key.pem -signature signature signed
printf 'x' >>signed
check 'openssl refuses one byte more' fails 1 openssl dgst -sha256 -verify key.pem -signature signature signed

# ---- python3-jwcrypto -----------------------------------------------------------------------------
cat >judge.py <<'PYTHON'
import json, sys
from jwcrypto import jwk, jws
token = jws.JWS()
token.deserialize(open(sys.argv[1]).read().strip())
pem = open("cert1.pem", "rb").read()
token.verify(jwk.JWK.from_pem(pem), alg="RS256")
claims = json.loads(token.payload)
assert token.jose_header["typ"] == "mohr-identity+jwt"
assert claims["aud"] == "https://bank.example" and len(claims["card_number"]) == 10
PYTHON
python=/usr/bin/python3
if $python -c 'import jwcrypto' 2>/dev/null; then
        check 'python3-jwcrypto accepts it' $python judge.py good
        check 'python3-jwcrypto refuses a changed byte' fails 1 $python judge.py changed
else
        echo 'skip - python3-jwcrypto: not installed'
fi

# ---- npm jose -------------------------------------------------------------------------------------
cat >judge.js <<'NODE'
const fs = require('fs'), jose = require('jose')
async function main() {
  const token = fs.readFileSync(process.argv[2], 'utf8').trim()
  const key = await jose.importX509(fs.readFileSync('cert1.pem', 'utf8'), 'RS256')
  const { payload } = await jose.jwtVerify(token, key, { algorithms: ['RS256'], typ: 'mohr-identity+jwt',
    issuer: 'urn:mohr:card', audience: 'https://bank.example' })
  if (payload.nonce !== '0123456789abcdef') throw new Error('nonce')
}
main().catch((e) => { console.error(e.message); process.exit(1) })
NODE
for modules in "$build/node_modules" "$tree/build/node_modules"; do
        [ ! -d "$modules/jose" ] || NODE_PATH=$modules
done
export NODE_PATH="${NODE_PATH:-}"
if command -v node >/dev/null && node -e "require('jose')" 2>/dev/null; then
        check 'jose accepts it, with issuer, audience and times' node judge.js good
        check 'jose refuses a changed byte' fails 1 node judge.js changed
        check 'jose cannot see that the name is another: only the certificate tells' node judge.js forged
else
        echo 'skip - npm jose: not installed (./dev check fetches it)'
fi
exit $status
