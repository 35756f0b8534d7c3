#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// verify.mjs: checks an identity assertion by docs/assertion.md, in the order of its "Checking".
//
// verify.mjs --at T --audience A --nonce N --trust ROOT.pem [--staff-anchors F] [--expired refuse|report|accept]
//            [--asked-at T] FILE
//
// Prints who it is, from the certificate, and exits 0; or the reason: 22 if only the certificate is expired, else 21.
// Needs Node.js 18 or later, and nothing else. Node tells little about certificates, so their DER is read here; signatures
// and keys are Node's. Not here: revocation and a memory of replays (docs/verify.md).
import { constants, createHash, verify as verifySignature, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const SKEW = 60, LIFE_MAX = 3600, AUTH_AGE_MAX = 3600, YEAR_10000 = 253402300800n, DEPTH_MAX = 2048
const COUNTRY = '550406', ORGANIZATION = '55040a', UNIT = '55040b', COMMON_NAME = '550403'
const GIVEN_NAME = '55042a', SURNAME = '550404', SERIAL_NUMBER = '550405'
const KEY_USAGE = '551d0f', ALTERNATIVE = '551d11', BASIC = '551d13', POLICIES = '551d20', EXTENDED = '551d25'
const KNOWN_EXTENSIONS = [KEY_USAGE, ALTERNATIVE, BASIC, POLICIES, EXTENDED] // those that may be critical
const LEVEL = /^60826c6501010([1-4])$/, UPN = '2b060104018237140203' // 2.16.364.101.1.1.N; Microsoft's
const STRONG = new Set([ // RSA (PKCS #1 v1.5) and ECDSA with SHA-256, -384, -512
  '2a864886f70d01010b', '2a864886f70d01010c', '2a864886f70d01010d', '2a8648ce3d040302', '2a8648ce3d040303', '2a8648ce3d040304'])
// controls, line ends, direction, and what is not seen: docs/assertion.md, "Texts"
const HIDDEN = /[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u

export class Refused extends Error {} // the message is the reason, as `mohr verify` names it

function demand(condition, reason) {
  if (!condition) throw new Refused(reason)
}

// ---- bytes: base64, JSON, DER ---------------------------------------------------------------------

function decode(text, kind, reason) { // canonical only: what is decoded must encode to the very same text
  const data = Buffer.from(text, kind)
  demand(data.toString(kind) === text, reason)
  return data
}

const utf8 = (data) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)

// JSON.parse takes a member twice, half a surrogate pair, and 1e3 for an integer. This one does not; integers become BigInt.
export class Json {
  constructor(text) { this.text = text; this.at = 0 }

  token() {
    const pattern = /[ \t\n\r]*([[\]{}:,]|"(?:[^"\\\0-\x1f]+|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|$)/y
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (!found) throw new SyntaxError('no token')
    this.at = pattern.lastIndex
    return found[1]
  }

  value(token = this.token(), depth = 0) {
    if (depth > DEPTH_MAX) throw new SyntaxError('too deep')
    if (token === '{' || token === '[') return this.members(token === '{', depth)
    if (token[0] === '"') return this.string(token)
    const value = JSON.parse(token) // throws on a token that is no value
    if (!/^-?\d+$/.test(token)) return value
    if (BigInt.asIntN(64, BigInt(token)) !== BigInt(token)) throw new RangeError('beyond 64 bits')
    return BigInt(token)
  }

  string(token) {
    const value = JSON.parse(token)
    if (typeof value !== 'string' || /[\0\p{Surrogate}]/u.test(value)) throw new SyntaxError('text')
    return value
  }

  members(named, depth) {
    const found = named ? Object.create(null) : [], end = named ? '}' : ']'
    let token = this.token()
    while (token !== end) {
      const name = named ? this.string(token) : found.length
      if (named && (name in found || this.token() !== ':')) throw new SyntaxError('member')
      found[name] = this.value(named ? this.token() : token, depth + 1)
      token = this.token()
      if (token === end) break
      if (token !== ',' || (token = this.token()) === end) throw new SyntaxError('comma')
    }
    return found
  }

  static object(data, reason) {
    try {
      const json = new Json(utf8(data)), value = json.value()
      if (json.token() !== '' || !isObject(value)) throw new SyntaxError('rest')
      return value
    } catch {
      throw new Refused(reason)
    }
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

// The values side by side, each { tag, content, raw }; DER only: one-byte tags, definite and shortest lengths.
function der(data) {
  const found = []
  for (let at = 0; at < data.length;) {
    const octets = data[at + 1] & 0x7f, long = data[at + 1] > 0x7f, start = at + 2 + (long ? octets : 0)
    if ((data[at] & 0x1f) === 0x1f || start > data.length || (long && (octets < 1 || octets > 2))) throw new Error('DER')
    const length = long ? data.readUIntBE(at + 2, octets) : data[at + 1]
    if (start + length > data.length || (long && length < (octets === 1 ? 0x80 : 0x100))) throw new Error('DER')
    const content = data.subarray(start, start + length)
    if (data[at] & 0x20) der(content)
    found.push({ tag: data[at], content, raw: data.subarray(at, start + length) })
    at = start + length
  }
  return found
}

const inside = (value) => der(value.content)
const hex = (value) => value.content.toString('hex')

function textOf({ tag, content }, tags) {
  try {
    const text = tags.includes(tag) ? utf8(content) : ''
    return text && !text.includes('\0') ? text : null
  } catch {
    return null
  }
}

function nameTexts(name) { // { OID in hex: [its texts] }; null for a value that is neither UTF8String nor PrintableString
  const found = {}
  for (const rdn of inside(name))
    for (const pair of inside(rdn)) {
      const [oid, value] = inside(pair)
      ;(found[hex(oid)] ??= []).push(textOf(value, [0x0c, 0x13]))
    }
  return found
}

const only = (list) => list?.length === 1 ? list[0] : null

// ---- header and certificates ----------------------------------------------------------------------

function seconds(value) { // UTCTime or GeneralizedTime, in the one form that RFC 5280 allows
  const [, year, ...rest] = /^(\d\d|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(value.content.toString('latin1'))
  const full = year.length === 4 ? year : (year < '50' ? '20' : '19') + year
  return Date.UTC(full, rest[0] - 1, ...rest.slice(1)) / 1000
}

class Cert {
  constructor(raw) {
    const [whole, ...after] = der(raw)
    if (after.length) throw new Error('rest')
    const [tbs, algorithm] = inside(whole), fields = inside(tbs)
    if (fields[0].tag === 0xa0) fields.shift()
    this.raw = raw
    this.x509 = new X509Certificate(raw)
    if (!this.x509.raw.equals(raw)) throw new Error('PEM')
    this.key = this.x509.publicKey
    this.algorithm = hex(inside(algorithm)[0])
    this.issuer = fields[2]
    this.subject = fields[4]
    ;[this.begins, this.ends] = inside(fields[3]).map(seconds)
    this.extensions = {}
    this.critical = []
    for (const list of fields.filter(({ tag }) => tag === 0xa3))
      for (const one of inside(inside(list)[0])) this.addExtension(inside(one))
    const basic = this.extension(BASIC), [ca, path] = basic ? inside(basic) : []
    this.isCa = ca?.tag === 0x01 && ca.content[0] === 0xff
    this.pathLength = path ? Number('0x' + hex(path)) : Infinity
    const usage = this.extension(KEY_USAGE)
    this.usage = usage ? usage.content[1] : 0xff // the first eight bits; absent: for everything
  }

  addExtension(parts) {
    const oid = hex(parts[0])
    if (oid in this.extensions) throw new Error('twice')
    this.extensions[oid] = parts.at(-1)
    if (parts.length === 3 && parts[1].content[0]) this.critical.push(oid)
  }

  extension(oid) { return this.extensions[oid] && der(this.extensions[oid].content)[0] }

  issuedBy(other) { return this.issuer.raw.equals(other.subject.raw) }

  // False also for whatever is weaker than 112 bits: SHA-1, small keys, other algorithms.
  signedBy(other) {
    const { modulusLength = 2048 } = other.key.asymmetricKeyDetails ?? {}
    return STRONG.has(this.algorithm) && modulusLength >= 2048 && this.x509.verify(other.key)
  }
}

const SIGN = 0x80, COMMIT = 0x40, CERT_SIGN = 0x04

function readCertificates(x5c) {
  const certs = x5c.map((text) => {
    demand(typeof text === 'string' && text.length <= 8192, 'bad-certificate')
    try {
      return new Cert(decode(text, 'base64', 'bad-certificate'))
    } catch {
      throw new Refused('bad-certificate')
    }
  })
  for (let i = 1; i < certs.length; i++) demand(certs[i].isCa && certs[i - 1].issuedBy(certs[i]), 'certificate-order')
  return certs
}

function checkHeader(header) {
  demand(!('crit' in header), 'critical-header')
  demand(Object.keys(header).every((name) => ['alg', 'typ', 'x5c'].includes(name)), 'bad-header')
  demand(typeof header.alg === 'string' && Array.isArray(header.x5c), 'bad-header')
  demand(['mohr-identity+jwt', 'mohr-staff+jwt'].includes(header.typ), 'wrong-type')
  demand(Object.hasOwn(ALGORITHMS, header.alg), 'wrong-algorithm')
  demand(header.x5c.length >= 1 && header.x5c.length <= 4, 'bad-certificate')
}

const ALGORITHMS = {
  RS256: { kind: 'rsa', digest: 'sha256', how: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { kind: 'rsa', digest: 'sha256', how: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  ES256: { kind: 'ec', digest: 'sha256', curve: 'prime256v1', size: 64, how: { dsaEncoding: 'ieee-p1363' } },
  ES384: { kind: 'ec', digest: 'sha384', curve: 'secp384r1', size: 96, how: { dsaEncoding: 'ieee-p1363' } },
}

function checkKey({ kind, curve }, key) {
  demand(key.asymmetricKeyType === kind, 'wrong-algorithm')
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails
  demand(curve ? namedCurve === curve : modulusLength >= 2048 && modulusLength <= 4096, 'unsuitable-key')
}

function findPath(certs, anchors) { // leaf first, an anchor last; x5c is in order already
  for (const [at, cert] of certs.entries()) {
    if (at && anchors.some(({ raw }) => raw.equals(cert.raw))) return certs.slice(0, at + 1)
    const named = anchors.filter((anchor) => cert.issuedBy(anchor))
    if (named.length) return [...certs.slice(0, at + 1), named.find((anchor) => cert.signedBy(anchor)) ?? named[0]]
  }
  throw new Refused('untrusted')
}

function checkChain(certs, anchors, at) { // true if the leaf is expired, and everything else about the chain holds
  const path = findPath(certs, anchors)
  for (let i = 1; i < path.length; i++) {
    demand(path[i].isCa && path[i].usage & CERT_SIGN && path[i - 1].signedBy(path[i]), 'chain-invalid')
    demand(i - 1 <= path[i].pathLength, 'chain-invalid')
  }
  for (const cert of path) {
    demand(cert.critical.every((oid) => KNOWN_EXTENSIONS.includes(oid)), 'chain-invalid')
    demand(cert.begins <= at, 'certificate-not-yet-valid')
  }
  const expired = at > path[0].ends
  demand(expired || path.every(({ ends }) => at <= ends), 'issuer-expired')
  return expired
}

// ---- who: from the leaf alone ---------------------------------------------------------------------

function isNationalNumber(digits) {
  const rest = [...digits.slice(0, 9)].reduce((sum, digit, at) => sum + digit * (10 - at), 0) % 11
  return Number(digits[9]) === (rest < 2 ? rest : 11 - rest) && new Set(digits).size > 1
}

function level(leaf) {
  const policies = leaf.extension(POLICIES), oids = policies ? inside(policies).map((one) => hex(inside(one)[0])) : []
  const levels = oids.map((oid) => LEVEL.exec(oid)).filter(Boolean)
  return levels.length === 1 ? `urn:oid:2.16.364.101.1.1.${levels[0][1]}` : 'unstated'
}

function citizenFacts(leaf, subject, [, number, use]) { // what the payload must say; null: the member must not be there
  const national = isNationalNumber(number) ? number : null
  const sub = createHash('sha256').update(`urn:mohr:sub:1\0C=IR,O=Iran Government,OU=NOCR\0${number}`).digest('base64url')
  return { iss: 'urn:mohr:card', given_name: only(subject[GIVEN_NAME]), family_name: only(subject[SURNAME]),
    card_number: number, national_number: national, national_number_basis: national && 'inferred-from-card-number', sub,
    acr: level(leaf), key_use: { SIG: 'signature', AUT: 'authentication' }[use] }
}

function alternatives(leaf) {
  const names = leaf.extension(ALTERNATIVE), email = [], upn = []
  for (const name of names ? inside(names) : []) {
    if (name.tag === 0x81) email.push(textOf(name, [0x81]))
    if (name.tag !== 0xa0) continue
    const [oid, explicit] = inside(name), value = inside(explicit)[0]
    if (hex(oid) === UPN && value.tag === 0x0c) upn.push(textOf(value, [0x0c]))
  }
  return { email: only(email), upn: only(upn) }
}

function staffFacts(leaf, subject) {
  const hash = createHash('sha256').update('urn:mohr:staff-sub:1\0').update(leaf.issuer.raw).update(leaf.subject.raw)
  return { iss: 'urn:mohr:staff-card', name: only(subject[COMMON_NAME]), given_name: only(subject[GIVEN_NAME]),
    family_name: only(subject[SURNAME]), ...alternatives(leaf), employee_number: only(subject[SERIAL_NUMBER]),
    organization: only(subject[ORGANIZATION]), sub: hash.digest('base64url'), acr: 'unstated',
    key_use: leaf.usage & COMMIT ? 'signature' : 'authentication' }
}

function identify(leaf, staff) {
  try {
    return identifyGood(leaf, staff)
  } catch (bad) { // inside an extension
    throw bad instanceof Refused ? bad : new Refused('bad-certificate')
  }
}

function identifyGood(leaf, staff) { // citizen or staff is told by the certificate; `typ` must have announced the same
  const subject = nameTexts(leaf.subject), issuer = nameTexts(leaf.issuer), cn = only(subject[COMMON_NAME])
  const registry = [COUNTRY, ORGANIZATION, UNIT].map((oid) => only(issuer[oid])).join('\n') === 'IR\nIran Government\nNOCR'
  const match = /^([0-9]{10}) - ([A-Z]+)$/.exec(cn ?? '')
  const form = match && [COUNTRY, UNIT, GIVEN_NAME, SURNAME].every((oid) => only(subject[oid]))
  if (staff) demand(!leaf.isCa && !form && !registry && cn, 'not-a-staff-certificate')
  else demand(!leaf.isCa && form && registry && ['SIG', 'AUT'].includes(match[2]), 'not-a-citizen-certificate')
  demand(leaf.usage & (staff ? COMMIT : SIGN | COMMIT), 'key-usage') // the rest of a staff card's keys open doors
  return staff ? staffFacts(leaf, subject) : citizenFacts(leaf, subject, match)
}

// ---- payload --------------------------------------------------------------------------------------

const MISMATCH = { card_number: 'number-mismatch', employee_number: 'number-mismatch',
  national_number: 'national-number-mismatch', national_number_basis: 'national-number-mismatch',
  sub: 'subject-mismatch', acr: 'assurance-mismatch', key_use: 'key-use-mismatch' } // else name-mismatch

const fits = (pattern) => (value) => typeof value === 'string' && pattern.test(value)
const text = (longest) => (value) => typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= longest && !HIDDEN.test(value)
const token = fits(/^[a-z0-9_-]{1,32}$/)
const time = (value) => typeof value === 'bigint' && value >= 0n && value < YEAR_10000
const isBoolean = (value) => typeof value === 'boolean', isTrue = (value) => value === true, any = () => true

function members(required, optional) { // an object of these members, each with its check, and no other
  const every = { ...required, ...optional }
  return (value) => isObject(value) && Object.keys(required).every((name) => name in value) &&
    Object.keys(value).every((name) => Object.hasOwn(every, name) && every[name](value[name]))
}

const CARD = members({ certificate_expiry: any },
  { generation: token, expiry: text(32), expiry_raw: fits(/^([0-9a-f]{2}){1,64}$/), simulated: isTrue })
const STAFF_CARD = members({ family: token, certificate_expiry: any }, { simulated: isTrue })
const STATION = members({ software: text(128), pin_entry: token }, { reader: text(128), operator: text(128),
  branch: text(128), device: text(128), case_number: text(128), photo_checked: isBoolean })
const FORMS = {
  aud: (value) => fits(/^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/)(value) && value.length <= 512,
  nonce: fits(/^[!-~]{8,128}$/), iat: time, exp: time, auth_time: time, jti: fits(/^[0-9a-f]{32}$/),
  amr: (value) => Array.isArray(value) && value.length === 2 && value[0] === 'sc' && value[1] === 'pin',
  card: CARD, station: STATION, clock: members({ synchronised: isBoolean }, {}) }
const OPTIONAL = { nbf: time, purpose: text(256) }

function checkMembers(payload, facts, ends, staff) {
  for (const name of ['ver', 'iss', ...Object.keys(FORMS)]) demand(name in payload, 'claim-missing')
  demand(payload.ver === 1n, 'wrong-version')
  demand(payload.iss === facts.iss, 'wrong-issuer')
  const forms = { ...FORMS, ...OPTIONAL, ...(staff ? { card: STAFF_CARD } : {}) }
  for (const name in forms) demand(!(name in payload) || forms[name](payload[name]), 'claim-malformed')
  for (const name in facts) // what the leaf says, and nothing where it says nothing
    demand(facts[name] === null ? !(name in payload) : payload[name] === facts[name], MISMATCH[name] ?? 'name-mismatch')
  const allowed = facts.national_number ? ['yes', 'no'] : ['unknown'], match = 'national_number_match'
  if (!staff && match in payload) demand(allowed.includes(payload[match]), 'national-number-mismatch')
  demand(payload.card.certificate_expiry === ends, 'certificate-facts-mismatch')
  const known = ['ver', ...Object.keys(facts), ...Object.keys(forms), ...(staff ? [] : [match])]
  demand(Object.keys(payload).every((name) => known.includes(name)), 'claim-unknown')
}

function checkRequest(payload, { at, audience, nonce, askedAt }) {
  demand(audience == null || payload.aud === audience, 'audience-mismatch')
  demand(nonce == null || payload.nonce === nonce, 'nonce-mismatch')
  const [iat, exp, authTime] = [payload.iat, payload.exp, payload.auth_time].map(Number)
  const nbf = Number(payload.nbf ?? iat), life = exp - iat
  demand(life > 0 && life <= LIFE_MAX, 'life-too-long')
  demand(iat - authTime >= -SKEW && iat - authTime <= AUTH_AGE_MAX, 'auth-time')
  if (nonce != null && askedAt && !payload.clock.synchronised) { // then the verifier's own clock decides
    demand(at >= askedAt - SKEW && at < askedAt + life + SKEW, 'clock')
    demand(nbf <= iat, 'not-yet-valid')
    return
  }
  demand(Math.max(iat, nbf) <= at + SKEW, 'not-yet-valid')
  demand(at < exp + SKEW, 'expired')
}

// ---- all of it ------------------------------------------------------------------------------------

export function readAnchors(path) {
  const blocks = readFileSync(path, 'latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return blocks.map((one) => new Cert(new X509Certificate(one).raw))
}

// assertion: a Buffer; given: { at, audience, nonce, anchors, staffAnchors, expired, askedAt }. The holder, or Refused.
export function verify(assertion, given) {
  demand(assertion.length <= 8192, 'too-large')
  const whole = assertion.toString('latin1'), parts = whole.split('.')
  demand(parts.length === 3, 'not-compact')
  const [head, body, signature] = parts.map((part) => () => decode(part, 'base64url', 'bad-base64'))
  const header = Json.object(head(), 'bad-header')
  checkHeader(header)
  const staff = header.typ === 'mohr-staff+jwt', certs = readCertificates(header.x5c), leaf = certs[0]
  const { digest, how, size } = ALGORITHMS[header.alg]
  checkKey(ALGORITHMS[header.alg], leaf.key)
  const facts = identify(leaf, staff), ends = new Date(leaf.ends * 1000).toISOString().replace('.000', '')
  const expired = checkChain(certs, staff ? given.staffAnchors ?? [] : given.anchors, given.at)
  const signed = Buffer.from(whole.slice(0, whole.lastIndexOf('.')), 'latin1')
  const bytes = signature()
  demand(size === undefined || bytes.length === size, 'bad-signature')
  demand(verifySignature(digest, signed, { key: leaf.key, ...how }, bytes), 'bad-signature')
  const payload = Json.object(body(), 'bad-payload')
  checkMembers(payload, facts, ends, staff)
  checkRequest(payload, given)
  demand(!expired || given.expired === 'accept', 'certificate-expired')
  const told = Object.entries(facts).filter(([name, fact]) => fact !== null && name !== 'iss')
  return { holder: staff ? 'staff' : 'citizen', ...Object.fromEntries(told), certificate_expiry: ends, expired }
}

function main() {
  const names = ['at', 'audience', 'nonce', 'trust', 'staff-anchors', 'expired', 'asked-at']
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
  const { values, positionals: [file] } = parseArgs({ options, allowPositionals: true })
  const bytes = readFileSync(file), assertion = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes
  try {
    console.log(JSON.stringify(verify(assertion, {
      at: Number(values.at ?? Date.now() / 1000), audience: values.audience, nonce: values.nonce,
      anchors: readAnchors(values.trust), staffAnchors: values['staff-anchors'] ? readAnchors(values['staff-anchors']) : [],
      expired: values.expired ?? 'report', askedAt: Number(values['asked-at'] ?? 0) })))
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused
    console.error(refused.message)
    process.exitCode = refused.message === 'certificate-expired' ? 22 : 21
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
