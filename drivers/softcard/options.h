/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: every behaviour that card-facts leaves open, as one list.
 *
 * A row is X(id, name, values, default, evidence, help). `values` is also the grammar that the
 * parser checks: alternatives parted by '|', where "0..600" is a decimal range, "hex*16" that many
 * hex digits, "digits*4-8" so many digits, "path" anything. Evidence marks are those of card-facts.
 */
#ifndef MOHR_SOFTCARD_OPTIONS_H
#define MOHR_SOFTCARD_OPTIONS_H

#include "drivers/softcard/options_piv.h"
#include "drivers/softcard/softcard.h"

#define SWITCH_LIST(X)                                                                             \
        X(PROFILE, "profile",                                                                      \
                "mav2-cl|mav2-t0|mav3|mav4|pardis|omid|foreign-ias|foreign-mpcos|piv|piv-t0|piv-"  \
                "cl",                                                                              \
                "mav2-cl", "[I] 8.1", "which card")                                                \
        X(PKI, "pki", "path", "", "-", "folder made by --make-pki")                                \
        X(PIN, "pin", "digits*4-8", "2580", "[O] 4.1", "the holder's PIN, all three copies")       \
        X(REPLAY, "replay", "path", "", "-", "a transcript: answer as the card did that is in it") \
        X(LEAF, "leaf",                                                                            \
                "valid|expired|not-yet|revoked|policy|national|other|bidi|wrong-issuer|foreign|"   \
                "impostor",                                                                        \
                "valid", "[O] 5.1",                                                                \
                "holder certificate; national: the card number's check digit holds, still made "   \
                "up")                                                                              \
        X(LAID_BACK, "laid-back", "same|other", "same", "-",                                       \
                "whose card lies there after each removal: leaf-other's by turns, same counters")  \
        X(AID, "aid", "0c|40|0a", "0c", "[O] 0c, [I] 40, [D] 0a", "IAS application identifier")    \
        X(LE_OVER, "le-over", "short|6282|6cxx", "short", "[D] 2.8",                               \
                "READ BINARY beyond the rest; T=0 always says 6Cxx")                               \
        X(LE_DATA, "le-data", "6cxx|short", "6cxx", "[D] 3.1",                                     \
                "GET DATA with another Le; T=0: 6Cxx")                                             \
        X(EF_PAD, "ef-pad", "0..600", "0", "[I] 2.8", "bytes behind the DER in certificate files") \
        X(EF_PAD_BYTE, "ef-pad-byte", "00|ff", "00", "[I] 2.8", "what they are")                   \
        X(MPCOS_OFFSET, "mpcos-offset", "word|byte", "word", "[I, strong] 2.8",                    \
                "unit of READ BINARY offsets in MPCOS")                                            \
        X(CRN, "crn", "leaf|digits*10", "leaf", "[O] 3.2", "ten digits of GET DATA 0101")          \
        X(CRN_TRAILING, "crn-trailing", "0..8", "0", "[?] 3.2", "bytes after the ten digits")      \
        X(CRN_TRAILING_AT, "crn-trailing-at", "inside|after", "inside", "[?] 3.2",                 \
                "counted in the length byte or not")                                               \
        X(CSN, "csn", "hex*16", "4201a1b2c3d40007", "[I, strong] 3.1", "CPLC bytes 13..20")        \
        X(PIN_MAX, "pin-max", "3..15", "3", "[?] Q10", "tries of each copy")                       \
        X(BLOCKED, "blocked", "6983|6984", "6983", "[D] 4.4", "status of a blocked PIN")           \
        X(EMPTY_VERIFY, "empty-verify", "both|case1|lc0", "both", "[D] 4.5",                       \
                "which form of the empty VERIFY works on T=1; the other is 6700")                  \
        X(EMPTY_VERIFY_MPCOS, "empty-verify-mpcos", "6700|counts", "6700", "[?] 4.5",              \
                "empty VERIFY to MPCOS may cost a try")                                            \
        X(VERIFY_LENGTH, "verify-length", "6700|counts", "6700", "[D] 4.4",                        \
                "a VERIFY of wrong length may cost a try")                                         \
        X(PIN_REFERENCE_01, "pin-reference-01", "absent|present", "absent", "[V] Q8",              \
                "a second IAS PIN, with another value and counter")                                \
        X(START_VERIFIED, "start-verified", "off|on", "off", "[D] 4.10",                           \
                "another client verified just before the first empty query")                       \
        X(DO_A0, "do-a0", "on|off|one|none-left|initial", "on", "[D] 4.5",                         \
                "counter by GET DATA A0; one, none-left: whatever is true; initial: PIN not "      \
                "changed")                                                                         \
        X(FAILED_SELECT, "failed-select", "keeps|clears", "keeps", "[?] 2.6",                      \
                "whether a failed SELECT by AID clears PIN state")                                 \
        X(PATH_SELECT, "path-select", "on|off", "on", "[D] 2.6", "SELECT P1=08 in IAS")            \
        X(SIBLING_SELECT, "sibling-select", "off|on", "off", "[D] 2.6",                            \
                "SELECT P1=00 also finds files beside the current one")                            \
        X(FCI, "fci", "6f|62|v5", "6f", "[D] 2.9", "shape of the IAS file control information")    \
        X(CERTIFICATE_RULE, "certificate-rule", "free|pin|keys|sm", "free", "[?] 2.9",             \
                "what 5100/5040 and its rule ask of a reader")                                     \
        X(FCI_WITHOUT_LE, "fci-without-le", "none|data", "none", "[?] 2.7",                        \
                "T=1: answer data although no Le was sent")                                        \
        X(LABEL, "label", "v4|v3|v2|v4-bare|none", "v4", "[D] 6.6",                                \
                "applet label by GET DATA DF30/7F30")                                              \
        X(CA_FILE, "ca-file", "present|absent", "present", "[I, strong] Q4", "5000/0303")          \
        X(PARDIS_FILE, "pardis-0303", "absent|present", "absent", "[V] 2.4",                       \
                "PARDIS 5100/0303: one sample selects it, taken for the issuing CA")               \
        X(PARDIS_SELECT, "pardis-select", "both|p1-00|p1-02", "both", "[V] 2.7",                   \
                "PARDIS: which P1 finds an EF")                                                    \
        X(THIRD_FILE, "third-file", "absent|auth", "absent", "[?] Q3",                             \
                "5000/5040: an authentication certificate")                                        \
        X(KEY_REF, "key-ref", "01|02|03|04|05|06|07|08|09|0a|0b|0c|0d|0e|0f", "03", "[V] Q5",      \
                "reference of the signature key")                                                  \
        X(KEY_QUERY, "key-query", "7f49|b6|bare|off", "7f49", "[?] 6.6",                           \
                "public keys by GET DATA: outer shape")                                            \
        X(SIGN, "sign", "pin|sign-once|sm-6982|sm-6988|sm-mse", "pin", "[D] Q7",                   \
                "what the key wants; sm-mse refuses at MSE SET already")                           \
        X(ALG_42, "alg-42", "on|off", "on", "[D] Q9", "SHA-256 with PKCS#1 v1.5")                  \
        X(ALG_45, "alg-45", "on|off", "on", "[D] 6.4", "SHA-256 with PSS, salt 32")                \
        X(ALG_02, "alg-02", "on|off", "on", "[V] Q9", "PKCS#1 v1.5 around what it is given")       \
        X(ALG_02_TAKES, "alg-02-takes", "digestinfo|bare-hash-padded|bare-hash-adds-digestinfo",   \
                "digestinfo", "[?] Q9", "bare-hash-padded makes no standard signature")            \
        X(CDS_T0, "cds-t0", "61xx|direct", "61xx", "[D] 6.4", "T=0: how the signature comes")      \
        X(T0_EXTRA, "t0-extra", "6700|mute", "6700", "[D] 1.6",                                    \
                "T=0: what an Le byte behind the data does")                                       \
        X(T0_UNFETCHED, "t0-unfetched", "any|info", "any", "[D] 2.8",                              \
                "T=0: which command gets 6B00 while an answer waits: any, or 80 C0 alone")         \
        X(DATES, "dates", "bom8|nul|slash|long-slash", "bom8", "[?] 3.5",                          \
                "BOM+yyyymmdd, yyyymmdd+NUL, yy/mm/dd+NUL, yyyy/m/dd")                             \
        X(DATES_ORDER, "dates-order", "be|le", "be", "[?] 3.5", "UTF-16 byte order")               \
        X(DATES_CALENDAR, "dates-calendar", "jalali|gregorian", "jalali", "[I] 3.5", "")           \
        X(DATES_DIGITS, "dates-digits", "ascii|persian", "ascii", "[I] 3.5", "")                   \
        X(VERSIONS, "versions", "with-length|without", "with-length", "[I] 3.6", "EF 0601")        \
        X(AFIS, "afis", "00|01", "00", "[V] 3.7", "EF 0302")                                       \
        X(PIN_FLAGS, "pin-flags", "initial|set", "set", "[V] 4.7", "EF 0010 words 4 and 5")        \
        X(NMOC, "nmoc", "unset|set", "unset", "[V] 4.7", "EF 0010 word 7, first byte")             \
        X(JOURNAL, "journal", "00|01|0f", "00", "[V] 4.7", "EF 0010 unblock journal")              \
        X(EXTENDED_LENGTH, "extended-length", "off|on", "off", "[D] 1.6", "T=1: long commands")    \
        SWITCH_LIST_PIV(X)                                                                         \
        X(DELAY_MS, "delay-ms", "0..60000", "0", "-", "sleep per exchange")                        \
        X(SIGN_MS, "sign-ms", "0..60000", "0", "-", "more of it per signature")

enum switch_id {
#define X(id, name, values, fallback, evidence, help) SWITCH_##id,
        SWITCH_LIST(X)
#undef X
                SWITCH_COUNT,
};

#define SWITCH_TEXT_MAX 256

struct setting {
        char text[SWITCH_TEXT_MAX];
        unsigned int number; /* of a text that is all decimal digits */
};

/* Puts `value` into settings[id of name]; -EINVAL for an unknown name or an unfit value. */
_must_check_ int setting_put(
        struct setting *settings, const char *name, size_t name_len, const char *value);
_must_check_ int settings_default(struct setting *settings);
/* Splits at '='. */
_must_check_ int setting_parse(struct setting *settings, const char *option);

#endif
