// SPDX-License-Identifier: Apache-2.0
// Verify.java: checks an identity assertion by docs/assertion.md, in the order of its "Checking".
//
// java Verify.java --at T --audience A --nonce N --trust ROOT.pem [--staff-anchors F] [--expired refuse|report|accept]
//                  [--asked-at T] FILE
//
// Prints who it is, from the certificate, and exits 0; or the reason: 22 if only the certificate is expired, else 21.
// Needs a JDK, 17 or later, and nothing else. It has no JSON, so that is read here; so is DER, since identity hangs on single
// bytes of it. Signatures and keys are the JDK's. Not here: revocation and a memory of replays (docs/verify.md).
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Verify {
    static final long SKEW = 60, LIFE_MAX = 3600, AUTH_AGE_MAX = 3600, YEAR_10000 = 253402300800L;
    static final int DEPTH_MAX = 2048, SIGN = 0x80, COMMIT = 0x40, CERT_SIGN = 0x04;
    static final String COUNTRY = "550406", ORGANIZATION = "55040a", UNIT = "55040b", COMMON_NAME = "550403";
    static final String GIVEN_NAME = "55042a", SURNAME = "550404", SERIAL_NUMBER = "550405";
    static final String KEY_USAGE = "551d0f", ALTERNATIVE = "551d11", BASIC = "551d13", POLICIES = "551d20", EXTENDED = "551d25";
    static final Set<String> KNOWN_EXTENSIONS = Set.of(KEY_USAGE, ALTERNATIVE, BASIC, POLICIES, EXTENDED); // may be critical
    static final String LEVEL = "60826c6501010", UPN = "2b060104018237140203"; // 2.16.364.101.1.1.; Microsoft's
    static final String RSA = "2a864886f70d010101", EC = "2a8648ce3d0201";
    static final Map<String, String> STRONG = Map.of( // RSA (PKCS #1 v1.5) and ECDSA with SHA-256, -384, -512
        "2a864886f70d01010b", "SHA256withRSA", "2a864886f70d01010c", "SHA384withRSA", "2a864886f70d01010d", "SHA512withRSA",
        "2a8648ce3d040302", "SHA256withECDSA", "2a8648ce3d040303", "SHA384withECDSA", "2a8648ce3d040304", "SHA512withECDSA");
    // controls, line ends, direction, and what is not seen: docs/assertion.md, "Texts"
    static final Pattern HIDDEN = Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5"
        + "\\u180b-\\u180f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0d\\ufeff\\uffa0\\ufff0-\\ufffb"
        + "\\x{1bca0}-\\x{1bca3}\\x{1d173}-\\x{1d17a}\\x{e0000}-\\x{e0fff}]");

    /** The message is the reason, as `mohr verify` names it. */
    @SuppressWarnings("serial")
    static class Refused extends RuntimeException {
        Refused(String reason) { super(reason, null, false, false); }
    }

    static void demand(boolean condition, String reason) {
        if (!condition) throw new Refused(reason);
    }

    // ---- bytes: base64, JSON, DER -----------------------------------------------------------------

    static final Base64.Encoder URL_ENCODER = Base64.getUrlEncoder().withoutPadding();

    /** Canonical only: what is decoded must encode to the very same text. */
    static byte[] decode(String text, Base64.Decoder decoder, Base64.Encoder encoder, String reason) {
        try {
            byte[] data = decoder.decode(text);
            demand(encoder.encodeToString(data).equals(text), reason);
            return data;
        } catch (IllegalArgumentException bad) {
            throw new Refused(reason);
        }
    }

    static byte[] decodeUrl(String part) { return decode(part, Base64.getUrlDecoder(), URL_ENCODER, "bad-base64"); }

    static String utf8(byte[] data) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data)).toString();
    }

    static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    /** Strict JSON: objects are maps without doubles, integers Long, other numbers Double. */
    static class Json {
        static final Pattern TOKEN = Pattern.compile("[ \\t\\n\\r]*([\\[\\]{}:,]|\"(?:[^\"\\\\\\x00-\\x1f]++|\\\\(?:[\"\\\\/bfnrt]|"
            + "u[0-9a-fA-F]{4}))*+\"|-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|\\z)");
        static final IllegalArgumentException WRONG = new IllegalArgumentException("JSON");
        final Matcher tokens;
        int at = 0;

        Json(String text) { tokens = TOKEN.matcher(text); }

        String token() {
            tokens.region(at, tokens.regionEnd());
            if (!tokens.lookingAt()) throw WRONG;
            at = tokens.end();
            return tokens.group(1);
        }

        Object value(String token, int depth) {
            if (depth > DEPTH_MAX || token.isEmpty()) throw WRONG;
            return switch (token.charAt(0)) {
                case '{' -> object(depth);
                case '[' -> array(depth);
                case '"' -> string(token);
                case 't', 'f' -> Boolean.valueOf(token);
                case 'n' -> null;
                case ']', '}', ':', ',' -> throw WRONG;
                default -> token.matches("-?[0-9]+") ? (Object) Long.valueOf(token) : Double.valueOf(token);
            };
        }

        static String string(String token) {
            if (!token.startsWith("\"")) throw WRONG;
            StringBuilder text = new StringBuilder();
            for (int i = 1; i < token.length() - 1; i++) {
                char c = token.charAt(i);
                if (c == '\\' && token.charAt(++i) == 'u') {
                    c = (char) Integer.parseInt(token.substring(i + 1, i + 5), 16);
                    i += 4;
                } else if (c == '\\') {
                    c = "\"\\/\b\f\n\r\t".charAt("\"\\/bfnrt".indexOf(token.charAt(i)));
                }
                text.append(c);
            }
            boolean bad = text.codePoints().anyMatch(c -> c == 0 || c >= 0xD800 && c <= 0xDFFF); // half a pair
            if (bad) throw WRONG;
            return text.toString();
        }

        Map<String, Object> object(int depth) {
            Map<String, Object> found = new LinkedHashMap<>();
            for (String token = token(); !token.equals("}"); token = token()) {
                if (!found.isEmpty()) token = afterComma(token);
                String name = string(token);
                if (found.containsKey(name) || !token().equals(":")) throw WRONG;
                found.put(name, value(token(), depth + 1));
            }
            return found;
        }

        List<Object> array(int depth) {
            List<Object> found = new ArrayList<>();
            for (String token = token(); !token.equals("]"); token = token())
                found.add(value(found.isEmpty() ? token : afterComma(token), depth + 1));
            return found;
        }

        String afterComma(String token) {
            if (!token.equals(",")) throw WRONG;
            return token();
        }

        static Map<String, Object> objectOf(byte[] data, String reason) {
            try {
                Json json = new Json(utf8(data));
                if (!json.token().equals("{")) throw WRONG;
                Map<String, Object> found = json.object(0);
                if (!json.token().isEmpty()) throw WRONG;
                return found;
            } catch (IllegalArgumentException | CharacterCodingException bad) { // also a number beyond 64 bits
                throw new Refused(reason);
            }
        }
    }

    /** One value of DER: one-byte tag, definite and shortest length, whatever is constructed filled exactly. */
    record Der(int tag, byte[] content, byte[] raw) {
        static List<Der> read(byte[] data) {
            List<Der> found = new ArrayList<>();
            for (int at = 0; at < data.length;) {
                int tag = data[at] & 0xff, length = data[at + 1] & 0xff, octets = length > 0x7f ? length & 0x7f : 0;
                if ((tag & 0x1f) == 0x1f || length == 0x80 || octets > 2) throw new IllegalArgumentException("DER");
                if (octets > 0) length = new BigInteger(1, Arrays.copyOfRange(data, at + 2, at + 2 + octets)).intValue();
                int start = at + 2 + octets;
                if (octets > 0 && length < (octets == 1 ? 0x80 : 0x100) || start + length > data.length)
                    throw new IllegalArgumentException("DER");
                byte[] content = Arrays.copyOfRange(data, start, start + length);
                if ((tag & 0x20) != 0) read(content);
                found.add(new Der(tag, content, Arrays.copyOfRange(data, at, start + length)));
                at = start + length;
            }
            return found;
        }

        List<Der> inside() { return read(content); }

        String hex() { return HexFormat.of().formatHex(content); }

        /** Null if it is of another type, empty, no UTF-8, or holds U+0000. */
        String text(Integer... tags) {
            try {
                String text = List.of(tags).contains(tag) ? utf8(content) : "";
                return text.isEmpty() || text.indexOf(0) >= 0 ? null : text;
            } catch (CharacterCodingException bad) {
                return null;
            }
        }
    }

    /** The texts of a name by OID in hex; null for a value that is neither UTF8String nor PrintableString. */
    static Map<String, List<String>> nameTexts(Der name) {
        Map<String, List<String>> found = new HashMap<>();
        for (Der rdn : name.inside())
            for (Der pair : rdn.inside()) {
                List<Der> both = pair.inside();
                found.computeIfAbsent(both.get(0).hex(), oid -> new ArrayList<>()).add(both.get(1).text(0x0c, 0x13));
            }
        return found;
    }

    static String only(List<String> texts) { return texts != null && texts.size() == 1 ? texts.get(0) : null; }

    // ---- header and certificates ------------------------------------------------------------------

    static class Cert {
        final byte[] raw, tbs, signature;
        final String algorithm, keyKind, curve;
        final Der issuer, subject;
        final long begins, ends;
        final PublicKey key; // null: of a kind that is of no use here
        final Map<String, Der> extensions = new HashMap<>();
        final List<String> critical = new ArrayList<>();
        final boolean isCa;
        final int pathLength, usage;

        Cert(byte[] raw) throws GeneralSecurityException {
            this.raw = raw;
            List<Der> alone = Der.read(raw), parts = alone.get(0).inside(), fields = new ArrayList<>(parts.get(0).inside());
            if (alone.size() != 1 || parts.size() != 3) throw new IllegalArgumentException("certificate");
            if (fields.get(0).tag == 0xa0) fields.remove(0);
            tbs = parts.get(0).raw;
            algorithm = parts.get(1).inside().get(0).hex();
            signature = Arrays.copyOfRange(parts.get(2).content, 1, parts.get(2).content.length);
            if (!Arrays.equals(parts.get(1).raw, fields.get(1).raw)) throw new IllegalArgumentException("two algorithms");
            issuer = fields.get(2);
            subject = fields.get(4);
            begins = seconds(fields.get(3).inside().get(0));
            ends = seconds(fields.get(3).inside().get(1));
            List<Der> kind = fields.get(5).inside().get(0).inside();
            keyKind = kind.get(0).hex();
            curve = keyKind.equals(EC) ? kind.get(1).hex() : "";
            key = readKey(fields.get(5).raw);
            for (Der field : fields)
                if (field.tag == 0xa3)
                    for (Der one : field.inside().get(0).inside()) addExtension(one.inside());
            List<Der> basic = extensions.containsKey(BASIC) ? extension(BASIC).inside() : List.of();
            isCa = !basic.isEmpty() && basic.get(0).tag == 1 && basic.get(0).content[0] == -1;
            pathLength = basic.size() > 1 ? new BigInteger(basic.get(1).content).intValueExact() : Integer.MAX_VALUE;
            usage = extensions.containsKey(KEY_USAGE) ? extension(KEY_USAGE).content[1] : 0xff; // absent: for everything
        }

        PublicKey readKey(byte[] info) throws GeneralSecurityException {
            if (!keyKind.equals(RSA) && !P_CURVES.contains(curve)) return null;
            return KeyFactory.getInstance(keyKind.equals(RSA) ? "RSA" : "EC").generatePublic(new X509EncodedKeySpec(info));
        }

        void addExtension(List<Der> parts) {
            String oid = parts.get(0).hex();
            if (extensions.put(oid, parts.get(parts.size() - 1)) != null) throw new IllegalArgumentException("twice");
            if (parts.size() == 3 && parts.get(1).content[0] != 0) critical.add(oid);
        }

        Der extension(String oid) { return Der.read(extensions.get(oid).content).get(0); }

        List<Der> list(String oid) { return extensions.containsKey(oid) ? extension(oid).inside() : List.of(); }

        boolean may(int uses) { return (usage & uses) != 0; }

        boolean issuedBy(Cert other) { return Arrays.equals(issuer.raw, other.subject.raw); }

        /** False also for whatever is weaker than 112 bits: SHA-1, small keys, other algorithms. */
        boolean signedBy(Cert other) {
            boolean small = other.key instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() < 2048;
            return STRONG.containsKey(algorithm) && other.key != null && !small
                && signatureHolds(STRONG.get(algorithm), null, other.key, tbs, signature);
        }
    }

    static final Set<String> P_CURVES = Set.of("2a8648ce3d030107", "2b81040022", "2b81040023"); // P-256, P-384, P-521

    static long seconds(Der time) { // UTCTime or GeneralizedTime, in the one form that RFC 5280 allows
        String digits = new String(time.content, StandardCharsets.ISO_8859_1);
        if (!digits.matches("([0-9]{2})?[0-9]{12}Z")) throw new IllegalArgumentException("time");
        String full = digits.length() == 15 ? digits : (digits.charAt(0) < '5' ? "20" : "19") + digits;
        return LocalDateTime.parse(full, DateTimeFormatter.ofPattern("uuuuMMddHHmmss'Z'")).toEpochSecond(ZoneOffset.UTC);
    }

    static boolean signatureHolds(String name, PSSParameterSpec how, PublicKey key, byte[] data, byte[] signature) {
        try {
            Signature check = Signature.getInstance(name);
            if (how != null) check.setParameter(how);
            check.initVerify(key);
            check.update(data);
            return check.verify(signature);
        } catch (GeneralSecurityException bad) { // a signature of the wrong length, say
            return false;
        }
    }

    static List<Cert> readCertificates(List<?> x5c) {
        List<Cert> certs = new ArrayList<>();
        for (Object one : x5c) {
            demand(one instanceof String text && text.length() <= 8192, "bad-certificate");
            byte[] data = decode((String) one, Base64.getDecoder(), Base64.getEncoder(), "bad-certificate");
            try {
                certs.add(new Cert(data));
            } catch (GeneralSecurityException | RuntimeException bad) { // an index past an end is bad DER as well
                throw new Refused("bad-certificate");
            }
        }
        for (int i = 1; i < certs.size(); i++)
            demand(certs.get(i).isCa && certs.get(i - 1).issuedBy(certs.get(i)), "certificate-order");
        return certs;
    }

    static void checkHeader(Map<String, Object> header) {
        demand(!header.containsKey("crit"), "critical-header");
        demand(Set.of("alg", "typ", "x5c").containsAll(header.keySet()), "bad-header");
        demand(header.get("alg") instanceof String && header.get("x5c") instanceof List, "bad-header");
        demand(List.of("mohr-identity+jwt", "mohr-staff+jwt").contains(String.valueOf(header.get("typ"))), "wrong-type");
        demand(ALGORITHMS.containsKey(header.get("alg")), "wrong-algorithm");
        int count = ((List<?>) header.get("x5c")).size();
        demand(count >= 1 && count <= 4, "bad-certificate");
    }

    record Algorithm(String kind, String curve, String name, PSSParameterSpec how) {}

    static final Map<String, Algorithm> ALGORITHMS = Map.of(
        "RS256", new Algorithm(RSA, "", "SHA256withRSA", null),
        "PS256", new Algorithm(RSA, "", "RSASSA-PSS", new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1)),
        "ES256", new Algorithm(EC, "2a8648ce3d030107", "SHA256withECDSAinP1363Format", null),
        "ES384", new Algorithm(EC, "2b81040022", "SHA384withECDSAinP1363Format", null));

    static void checkKey(Algorithm algorithm, Cert leaf) {
        demand(leaf.keyKind.equals(algorithm.kind), "wrong-algorithm");
        demand(leaf.curve.equals(algorithm.curve), "unsuitable-key");
        if (leaf.key instanceof RSAPublicKey rsa)
            demand(rsa.getModulus().bitLength() >= 2048 && rsa.getModulus().bitLength() <= 4096, "unsuitable-key");
    }

    /** Leaf first, an anchor last. x5c is in order already: each names the next as its issuer. */
    static List<Cert> findPath(List<Cert> certs, List<Cert> anchors) {
        for (int i = 0; i < certs.size(); i++) {
            Cert cert = certs.get(i);
            List<Cert> path = new ArrayList<>(certs.subList(0, i + 1));
            if (i > 0 && anchors.stream().anyMatch(anchor -> Arrays.equals(anchor.raw, cert.raw))) return path;
            List<Cert> named = anchors.stream().filter(cert::issuedBy).toList();
            if (named.isEmpty()) continue;
            path.add(named.stream().filter(cert::signedBy).findFirst().orElse(named.get(0)));
            return path;
        }
        throw new Refused("untrusted");
    }

    /** True if the leaf is expired, and everything else about the chain holds. */
    static boolean checkChain(List<Cert> certs, List<Cert> anchors, long at) {
        List<Cert> path = findPath(certs, anchors);
        for (int i = 1; i < path.size(); i++) {
            Cert above = path.get(i);
            demand(above.isCa && above.may(CERT_SIGN) && path.get(i - 1).signedBy(above), "chain-invalid");
            demand(i - 1 <= above.pathLength, "chain-invalid");
        }
        for (Cert cert : path) {
            demand(KNOWN_EXTENSIONS.containsAll(cert.critical), "chain-invalid");
            demand(cert.begins <= at, "certificate-not-yet-valid");
        }
        boolean expired = at > path.get(0).ends;
        demand(expired || path.stream().allMatch(cert -> at <= cert.ends), "issuer-expired");
        return expired;
    }

    // ---- who: from the leaf alone -----------------------------------------------------------------

    static String hash(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) digest.update(part);
            return URL_ENCODER.encodeToString(digest.digest());
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static boolean isNationalNumber(String digits) {
        int sum = 0;
        for (int i = 0; i < 9; i++) sum += (digits.charAt(i) - '0') * (10 - i);
        int rest = sum % 11;
        return digits.charAt(9) - '0' == (rest < 2 ? rest : 11 - rest) && digits.chars().distinct().count() > 1;
    }

    static String level(Cert leaf) {
        List<String> levels = leaf.list(POLICIES).stream().map(one -> one.inside().get(0).hex())
            .filter(oid -> oid.matches(LEVEL + "[1-4]")).toList();
        return levels.size() == 1 ? "urn:oid:2.16.364.101.1.1." + levels.get(0).substring(LEVEL.length()) : "unstated";
    }

    /** What the payload must say of a citizen; null: the member must not be there. */
    static Map<String, String> citizenFacts(Cert leaf, Map<String, List<String>> subject, String number, String use) {
        Map<String, String> facts = new LinkedHashMap<>();
        boolean national = isNationalNumber(number);
        facts.put("iss", "urn:mohr:card");
        facts.put("given_name", only(subject.get(GIVEN_NAME)));
        facts.put("family_name", only(subject.get(SURNAME)));
        facts.put("card_number", number);
        facts.put("national_number", national ? number : null);
        facts.put("national_number_basis", national ? "inferred-from-card-number" : null);
        facts.put("sub", hash(bytes("urn:mohr:sub:1\0C=IR,O=Iran Government,OU=NOCR\0" + number)));
        facts.put("acr", level(leaf));
        facts.put("key_use", use.equals("SIG") ? "signature" : "authentication");
        return facts;
    }

    static Map<String, String> staffFacts(Cert leaf, Map<String, List<String>> subject) {
        List<String> email = new ArrayList<>(), upn = new ArrayList<>();
        for (Der name : leaf.list(ALTERNATIVE)) {
            if (name.tag == 0x81) email.add(name.text(0x81));
            if (name.tag != 0xa0 || !name.inside().get(0).hex().equals(UPN)) continue;
            Der value = name.inside().get(1).inside().get(0);
            if (value.tag == 0x0c) upn.add(value.text(0x0c));
        }
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("iss", "urn:mohr:staff-card");
        facts.put("name", only(subject.get(COMMON_NAME)));
        facts.put("given_name", only(subject.get(GIVEN_NAME)));
        facts.put("family_name", only(subject.get(SURNAME)));
        facts.put("email", only(email));
        facts.put("upn", only(upn));
        facts.put("employee_number", only(subject.get(SERIAL_NUMBER)));
        facts.put("organization", only(subject.get(ORGANIZATION)));
        facts.put("sub", hash(bytes("urn:mohr:staff-sub:1\0"), leaf.issuer.raw, leaf.subject.raw));
        facts.put("acr", "unstated");
        facts.put("key_use", leaf.may(COMMIT) ? "signature" : "authentication");
        return facts;
    }

    /** Citizen or staff is told by the certificate; `typ` must have announced the same. */
    static Map<String, String> identify(Cert leaf, boolean staff) {
        try {
            return identifyGood(leaf, staff);
        } catch (IllegalArgumentException | IndexOutOfBoundsException bad) { // inside an extension
            throw new Refused("bad-certificate");
        }
    }

    static Map<String, String> identifyGood(Cert leaf, boolean staff) {
        Map<String, List<String>> subject = nameTexts(leaf.subject), issuer = nameTexts(leaf.issuer);
        boolean registry = "IR".equals(only(issuer.get(COUNTRY))) && "NOCR".equals(only(issuer.get(UNIT)))
            && "Iran Government".equals(only(issuer.get(ORGANIZATION)));
        String cn = only(subject.get(COMMON_NAME));
        Matcher match = Pattern.compile("([0-9]{10}) - ([A-Z]+)").matcher(cn == null ? "" : cn);
        boolean form = match.matches() && List.of(COUNTRY, UNIT, GIVEN_NAME, SURNAME).stream()
            .allMatch(oid -> only(subject.get(oid)) != null);
        if (staff) demand(!leaf.isCa && !form && !registry && cn != null, "not-a-staff-certificate");
        else demand(!leaf.isCa && form && registry && match.group(2).matches("SIG|AUT"), "not-a-citizen-certificate");
        demand(leaf.may(staff ? COMMIT : SIGN | COMMIT), "key-usage"); // the rest of a staff card's keys open doors
        return staff ? staffFacts(leaf, subject) : citizenFacts(leaf, subject, match.group(1), match.group(2));
    }

    // ---- payload ----------------------------------------------------------------------------------

    static final Map<String, String> MISMATCH = Map.of("card_number", "number-mismatch", "employee_number", "number-mismatch",
        "national_number", "national-number-mismatch", "national_number_basis", "national-number-mismatch",
        "sub", "subject-mismatch", "acr", "assurance-mismatch", "key_use", "key-use-mismatch"); // else name-mismatch

    static Predicate<Object> fits(String pattern) {
        return value -> value instanceof String text && text.matches(pattern);
    }

    static Predicate<Object> text(int longest) {
        return value -> value instanceof String text && !text.isEmpty() && bytes(text).length <= longest
            && !HIDDEN.matcher(text).find();
    }

    /** An object of these members, each with its check, and no other. */
    static Predicate<Object> members(Map<String, Predicate<Object>> required, Map<String, Predicate<Object>> optional) {
        Map<String, Predicate<Object>> every = new HashMap<>(required);
        every.putAll(optional);
        return value -> value instanceof Map<?, ?> map && map.keySet().containsAll(required.keySet())
            && map.entrySet().stream().allMatch(one -> every.containsKey(one.getKey()) && every.get(one.getKey()).test(one.getValue()));
    }

    static final Predicate<Object> TOKEN = fits("[a-z0-9_-]{1,32}"), BOOLEAN = value -> value instanceof Boolean,
        TIME = value -> value instanceof Long time && time >= 0 && time < YEAR_10000, TRUE = Boolean.TRUE::equals,
        ANY = value -> true,
        CARD = members(Map.of("certificate_expiry", ANY),
            Map.of("generation", TOKEN, "expiry", text(32), "expiry_raw", fits("([0-9a-f]{2}){1,64}"), "simulated", TRUE)),
        STAFF_CARD = members(Map.of("family", TOKEN, "certificate_expiry", ANY), Map.of("simulated", TRUE)),
        STATION = members(Map.of("software", text(128), "pin_entry", TOKEN), Map.of("reader", text(128), "operator", text(128),
            "branch", text(128), "device", text(128), "case_number", text(128), "photo_checked", BOOLEAN)),
        URI = fits("[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=%-]+");
    static final Map<String, Predicate<Object>> OPTIONAL = Map.of("nbf", TIME, "purpose", text(256));

    static Map<String, Predicate<Object>> forms(boolean staff) {
        Map<String, Predicate<Object>> forms = new LinkedHashMap<>(OPTIONAL);
        forms.put("aud", URI.and(value -> ((String) value).length() <= 512));
        forms.put("nonce", fits("[!-~]{8,128}"));
        for (String name : List.of("iat", "exp", "auth_time")) forms.put(name, TIME);
        forms.put("jti", fits("[0-9a-f]{32}"));
        forms.put("amr", List.of("sc", "pin")::equals);
        forms.put("card", staff ? STAFF_CARD : CARD);
        forms.put("station", STATION);
        forms.put("clock", members(Map.of("synchronised", BOOLEAN), Map.of()));
        return forms;
    }

    static void checkMembers(Map<String, Object> payload, Map<String, String> facts, String ends, boolean staff) {
        Map<String, Predicate<Object>> forms = forms(staff);
        demand(payload.containsKey("ver") && payload.containsKey("iss"), "claim-missing");
        demand(Long.valueOf(1).equals(payload.get("ver")), "wrong-version");
        demand(facts.get("iss").equals(payload.get("iss")), "wrong-issuer");
        forms.forEach((name, good) -> {
            demand(payload.containsKey(name) || OPTIONAL.containsKey(name), "claim-missing");
            demand(!payload.containsKey(name) || good.test(payload.get(name)), "claim-malformed");
        });
        facts.forEach((name, fact) -> { // what the leaf says, and nothing where it says nothing
            boolean equal = fact == null ? !payload.containsKey(name) : fact.equals(payload.get(name));
            demand(equal, MISMATCH.getOrDefault(name, "name-mismatch"));
        });
        String match = "national_number_match";
        List<String> allowed = facts.get("national_number") != null ? List.of("yes", "no") : List.of("unknown");
        if (!staff && payload.containsKey(match))
            demand(payload.get(match) instanceof String said && allowed.contains(said), "national-number-mismatch");
        demand(ends.equals(((Map<?, ?>) payload.get("card")).get("certificate_expiry")), "certificate-facts-mismatch");
        for (String name : payload.keySet())
            demand(name.equals("ver") || facts.containsKey(name) || forms.containsKey(name) || !staff && name.equals(match),
                "claim-unknown");
    }

    record Given(long at, String audience, String nonce, List<Cert> anchors, List<Cert> staffAnchors, String expired,
        long askedAt) {}

    static void checkRequest(Map<String, Object> payload, Given given) {
        demand(given.audience == null || given.audience.equals(payload.get("aud")), "audience-mismatch");
        demand(given.nonce == null || given.nonce.equals(payload.get("nonce")), "nonce-mismatch");
        long iat = (Long) payload.get("iat"), exp = (Long) payload.get("exp"), authTime = (Long) payload.get("auth_time");
        long nbf = (Long) payload.getOrDefault("nbf", iat), life = exp - iat;
        demand(life > 0 && life <= LIFE_MAX, "life-too-long");
        demand(iat - authTime >= -SKEW && iat - authTime <= AUTH_AGE_MAX, "auth-time");
        boolean synchronised = (Boolean) ((Map<?, ?>) payload.get("clock")).get("synchronised");
        if (given.nonce != null && given.askedAt > 0 && !synchronised) { // then the verifier's own clock decides
            demand(given.at >= given.askedAt - SKEW && given.at < given.askedAt + life + SKEW, "clock");
            demand(nbf <= iat, "not-yet-valid");
            return;
        }
        demand(Math.max(iat, nbf) <= given.at + SKEW, "not-yet-valid");
        demand(given.at < exp + SKEW, "expired");
    }

    // ---- all of it --------------------------------------------------------------------------------

    static List<Cert> readAnchors(String path) throws Exception {
        Matcher blocks = Pattern.compile("-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
            .matcher(Files.readString(Path.of(path), StandardCharsets.ISO_8859_1));
        List<Cert> certs = new ArrayList<>();
        while (blocks.find()) certs.add(new Cert(Base64.getMimeDecoder().decode(blocks.group(1))));
        return certs;
    }

    /** Bytes in, holder out; or Refused. */
    static Map<String, Object> verify(byte[] assertion, Given given) {
        demand(assertion.length <= 8192, "too-large");
        String whole = new String(assertion, StandardCharsets.ISO_8859_1);
        String[] parts = whole.split("\\.", -1);
        demand(parts.length == 3, "not-compact");
        Map<String, Object> header = Json.objectOf(decodeUrl(parts[0]), "bad-header");
        checkHeader(header);
        boolean staff = header.get("typ").equals("mohr-staff+jwt");
        List<Cert> certs = readCertificates((List<?>) header.get("x5c"));
        Cert leaf = certs.get(0);
        Algorithm algorithm = ALGORITHMS.get(header.get("alg"));
        checkKey(algorithm, leaf);
        Map<String, String> facts = identify(leaf, staff);
        String ends = Instant.ofEpochSecond(leaf.ends).toString();
        boolean expired = checkChain(certs, staff ? given.staffAnchors : given.anchors, given.at);
        byte[] signed = whole.substring(0, whole.lastIndexOf('.')).getBytes(StandardCharsets.ISO_8859_1);
        demand(signatureHolds(algorithm.name, algorithm.how, leaf.key, signed, decodeUrl(parts[2])), "bad-signature");
        Map<String, Object> payload = Json.objectOf(decodeUrl(parts[1]), "bad-payload");
        checkMembers(payload, facts, ends, staff);
        checkRequest(payload, given);
        demand(!expired || given.expired.equals("accept"), "certificate-expired");
        Map<String, Object> holder = new LinkedHashMap<>(Map.of("holder", staff ? "staff" : "citizen"));
        facts.forEach((name, fact) -> { if (fact != null && !name.equals("iss")) holder.put(name, fact); });
        holder.put("certificate_expiry", ends);
        holder.put("expired", expired);
        return holder;
    }

    static String toJson(Map<String, Object> holder) {
        List<String> rows = new ArrayList<>();
        holder.forEach((name, value) -> rows.add("\"" + name + "\":" + (value instanceof String text ? quoted(text) : value)));
        return "{" + String.join(",", rows) + "}";
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.chars().forEach(c -> out.append(c < 0x20 || c == '"' || c == '\\' ? "\\u%04x".formatted(c) : "" + (char) c));
        return out.append('"').toString();
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) given.put(args[i], args[i + 1]);
        byte[] data = Files.readAllBytes(Path.of(args[args.length - 1]));
        if (data.length > 0 && data[data.length - 1] == '\n') data = Arrays.copyOf(data, data.length - 1);
        String now = Long.toString(Instant.now().getEpochSecond()), staff = given.get("--staff-anchors");
        try {
            System.out.println(toJson(verify(data, new Given(Long.parseLong(given.getOrDefault("--at", now)),
                given.get("--audience"), given.get("--nonce"), readAnchors(given.get("--trust")),
                staff == null ? List.of() : readAnchors(staff), given.getOrDefault("--expired", "report"),
                Long.parseLong(given.getOrDefault("--asked-at", "0"))))));
        } catch (Refused refused) {
            System.err.println(refused.getMessage());
            System.exit(refused.getMessage().equals("certificate-expired") ? 22 : 21);
        }
    }
}
