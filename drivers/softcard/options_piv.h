/* SPDX-License-Identifier: Apache-2.0 */
/* options_piv.h: what SP 800-73-4 leaves to a PIV card, and where cards are known to differ from it.
 *
 * Rows in the form of options.h, which takes them in. The evidence names part and section of the
 * standard; "[D]" is what tokens in use are known to do instead.
 */
#ifndef MOHR_SOFTCARD_OPTIONS_PIV_H
#define MOHR_SOFTCARD_OPTIONS_PIV_H

#define SWITCH_LIST_PIV(X)                                                                         \
        X(PIV_9A, "piv-9a", "rsa2048|p256|p384|absent", "rsa2048", "SP 800-78-4 3.1",              \
                "slot 9A: key and certificate")                                                    \
        X(PIV_9C, "piv-9c", "rsa2048|p256|p384|absent", "rsa2048", "SP 800-78-4 3.1", "slot 9C")   \
        X(PIV_9D, "piv-9d", "rsa2048|p256|p384|absent", "rsa2048", "SP 800-78-4 3.1", "slot 9D")   \
        X(PIV_9E, "piv-9e", "rsa2048|p256|p384|absent", "p256", "SP 800-78-4 3.1", "slot 9E")      \
        X(PIV_LEAF, "piv-leaf", "valid|expired|foreign|other", "valid", "-",                       \
                "whose certificate is in 9C; other: the card of another person")                   \
        X(PIV_CERT, "piv-cert", "plain|gzip|gzip-stored|gzip-lies", "plain", "73-4 p1 App. A",     \
                "CertInfo: compressed; gzip-lies: says so and is not")                             \
        X(PIV_CERT_TAGS, "piv-cert-tags", "all|no-lrc|unpadded|empty-mscuid", "all",               \
                "73-4 p1 "                                                                         \
                "App. A",                                                                          \
                "without FE; certificate alone; with the obsolete 72")                             \
        X(PIV_CCC, "piv-ccc", "present|absent", "present", "73-4 p1 3.1.1", "5FC107")              \
        X(PIV_CHUID, "piv-chuid", "present|absent", "present", "73-4 p1 3.1.2", "5FC102")          \
        X(PIV_DISCOVERY, "piv-discovery", "present|absent", "present", "73-4 p1 3.3.2", "7E")      \
        X(PIV_KEY_HISTORY, "piv-key-history", "absent|present", "absent", "73-4 p1 3.3.3",         \
                "5FC10C: no retired keys")                                                         \
        X(PIV_ABSENT, "piv-absent", "6a82|empty", "6a82", "73-4 p2 3.1.2",                         \
                "an object that is not there: or 53 00")                                           \
        X(PIV_GLOBAL, "piv-global", "absent|digits*6-8", "absent", "73-4 p2 2.4.3",                \
                "the global PIN 00, with a counter of its own")                                    \
        X(PIV_PUK, "piv-puk", "absent|digits*8", "13572468", "73-4 p2 2.4.3",                      \
                "the code that unblocks PIN 80")                                                   \
        X(PIV_PRIMARY, "piv-primary", "pin|global", "pin", "73-4 p1 3.3.2",                        \
                "which PIN the discovery object prefers, where there are two")                     \
        X(PIV_FORMAT, "piv-format", "6a80|counts", "6a80", "73-4 p2 3.2.1",                        \
                "a VERIFY that is no padded PIN may cost a try")                                   \
        X(PIV_PIN_ALWAYS, "piv-pin-always", "strict|until-use|off", "strict",                      \
                "73-4 p1 2.4.3, "                                                                  \
                "[D]",                                                                             \
                "9C: VERIFY directly before, once before, or any time before")                     \
        X(PIV_9E_PIN, "piv-9e-pin", "never|once", "never", "73-4 p1 3.1.3", "")                    \
        X(PIV_RESELECT, "piv-reselect", "keeps|clears", "keeps", "73-4 p2 3.1.1, [D]",             \
                "what selecting PIV again does to a verified PIN")                                 \
        X(PIV_SELECT, "piv-select", "prefix|standard|full", "prefix", "73-4 p2 3.1.1, [D]",        \
                "shortest AID: any prefix, without version, all")                                  \
        X(PIV_PROPERTY, "piv-property", "full|short|aid", "full", "73-4 p2 3.1.1",                 \
                "answer to SELECT: with label, without, with the AID in 4F")                       \
        X(PIV_CHAINING, "piv-chaining", "on|off", "on", "73-4 p2 2.4.2", "off: 6884")              \
        X(PIV_CHAIN_BROKEN, "piv-chain-broken", "6883|forgets", "6883", "ISO 7816-4",              \
                "another command inside a chain")                                                  \
        X(PIV_NO_KEY, "piv-no-key", "6a86|6a88|6a80", "6a86", "73-4 p2 3.2.4, [D]",                \
                "a key or algorithm that is not there")                                            \
        X(PIV_HASH, "piv-hash", "shorter|exact", "shorter", "[D]",                                 \
                "curves: sign what is shorter than the field, too")                                \
        X(PIV_CONTACTLESS, "piv-contactless", "off|on", "off", "73-4 p2 3.2.1",                    \
                "as over the contactless interface without VCI: no PIN, 9E only")

#endif
