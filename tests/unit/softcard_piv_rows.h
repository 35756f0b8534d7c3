/* SPDX-License-Identifier: Apache-2.0 */
/* softcard_piv_rows.h: the switches of the software card's PIV profile, as rows of the table in
 * test_softcard_switches.c, and what a PIV card is told.
 */
#ifndef MOHR_SOFTCARD_PIV_ROWS_H
#define MOHR_SOFTCARD_PIV_ROWS_H

#define PIV_SELECT   "00A404000BA000000308000010000100 "
#define PIV_ASK      "00200080 "
#define PIV_PIN      "0020008008333134313539FFFF " /* 314159 */
#define PIV_WRONG    "0020008008313131313131FFFF "
#define PIV_UNBLOCK  "002C0080103133353732343638323731383238FFFF "
#define PIV_GET(tag) "00CB3FFF0000055C03" tag "0000 "
#define PIV_DISCOVER "00CB3FFF035C017E00 "
/* A template without a challenge: 6A80, if only the key is there and may be used. */
#define PIV_USE(algorithm, key) "0087" algorithm key "047C028200 "
#define PIV_SHORT_HASH          "0087119A1A7C1882008114111111111111111111111111111111111111111100 "

#define PIV_SLOT_ROWS(slot)                                                                        \
        { "piv-" slot "=p256", "profile=piv", PIV_SELECT PIV_USE("11", slot), "6a86", "6982" },    \
                { "piv-" slot "=p384", "profile=piv", PIV_SELECT PIV_USE("14", slot), "6a86",      \
                        "6982" },                                                                  \
        {                                                                                          \
                "piv-" slot "=absent", "profile=piv", PIV_SELECT PIV_USE("07", slot), "6982",      \
                        "6a86"                                                                     \
        }

/* clang-format off */
#define PIV_ROWS \
        { "extended-length=on", "", "00A40400000005A000000099", "6700", "6a82" }, \
        PIV_SLOT_ROWS("9a"), \
        PIV_SLOT_ROWS("9c"), \
        PIV_SLOT_ROWS("9d"), \
        { "piv-9e=rsa2048", "profile=piv", PIV_SELECT PIV_USE("07", "9E"), "6a86", "6a80" }, \
        { "piv-9e=p384", "profile=piv", PIV_SELECT PIV_USE("14", "9E"), "6a86", "6a80" }, \
        { "piv-9e=absent", "profile=piv", PIV_SELECT PIV_USE("11", "9E"), "6a80", "6a86" }, \
        { "piv-cert=gzip", "profile=piv", PIV_SELECT PIV_GET("5FC10A"), "~710100fe00", "~1f8b08000000000000ff33" }, \
        { "piv-cert=gzip-stored", "profile=piv", PIV_SELECT PIV_GET("5FC10A"), "~710100fe00", "~1f8b08000000000000ff01" }, \
        { "piv-cert=gzip-lies", "profile=piv", PIV_SELECT PIV_GET("5FC10A"), "*710100fe009000", "*710101fe009000" }, \
        { "piv-cert-tags=no-lrc", "profile=piv", PIV_SELECT PIV_GET("5FC10A"), "*710100fe009000", "*7101009000" }, \
        { "piv-cert-tags=empty-mscuid", "profile=piv", PIV_SELECT PIV_GET("5FC10A"), "*710100fe009000", "*7101007200fe009000" }, \
        /* gzip ends with a length below 65536. */ \
        { "piv-cert-tags=unpadded", "profile=piv piv-cert=gzip", PIV_SELECT PIV_GET("5FC10A"), "*710101fe009000", "*00009000" }, \
        { "piv-ccc=absent", "profile=piv", PIV_SELECT PIV_GET("5FC107"), "5333f015*", "6a82" }, \
        { "piv-chuid=absent", "profile=piv", PIV_SELECT PIV_GET("5FC102"), "533b3019*", "6a82" }, \
        { "piv-discovery=absent", "profile=piv", PIV_SELECT PIV_DISCOVER, "7e124f0ba0000003080000100001005f2f0240009000", "6a82" }, \
        { "piv-key-history=present", "profile=piv", PIV_SELECT PIV_GET("5FC10C"), "6a82", "5308c10100c20100fe009000" }, \
        { "piv-absent=empty", "profile=piv", PIV_SELECT PIV_GET("5FC10C"), "6a82", "53009000" }, \
        { "piv-global=271828", "profile=piv", PIV_SELECT "00200000", "6a88", "63c3" }, \
        { "piv-puk=absent", "profile=piv", PIV_SELECT PIV_UNBLOCK, "9000", "6d00" }, \
        { "piv-puk=13572469", "profile=piv", PIV_SELECT PIV_UNBLOCK, "9000", "63c2" }, \
        { "piv-primary=global", "profile=piv piv-global=271828", PIV_SELECT PIV_DISCOVER, "*5f2f0260109000", "*5f2f0260209000" }, \
        { "piv-format=counts", "profile=piv", PIV_SELECT "002000800431323334", "6a80", "63c2" }, \
        { "piv-pin-always=until-use", "profile=piv", PIV_SELECT PIV_PIN PIV_ASK PIV_USE("07", "9C"), "6982", "6a80" }, \
        { "piv-pin-always=off", "profile=piv", PIV_SELECT PIV_PIN PIV_USE("07", "9C") PIV_USE("07", "9C"), "6982", "6a80" }, \
        { "piv-9e-pin=once", "profile=piv", PIV_SELECT PIV_USE("11", "9E"), "6a80", "6982" }, \
        { "piv-reselect=clears", "profile=piv", PIV_SELECT PIV_PIN PIV_SELECT PIV_ASK, "9000", "63c3" }, \
        { "piv-select=standard", "profile=piv", "00A4040008A000000308000010", "61*", "6a82" }, \
        { "piv-select=full", "profile=piv", "00A4040009A00000030800001000", "61*", "6a82" }, \
        { "piv-property=short", "profile=piv", PIV_SELECT, "61204f06*", "61114f06*" }, \
        { "piv-property=aid", "profile=piv", PIV_SELECT, "61204f06*", "61164f0b*" }, \
        { "piv-chaining=off", "profile=piv", PIV_SELECT "1087079A027C02", "9000", "6884" }, \
        { "piv-chain-broken=forgets", "profile=piv", PIV_SELECT "1087079A027C02 " PIV_ASK, "6883", "63c3" }, \
        { "piv-no-key=6a88", "profile=piv", PIV_SELECT PIV_USE("07", "82"), "6a86", "6a88" }, \
        { "piv-no-key=6a80", "profile=piv", PIV_SELECT PIV_USE("07", "82"), "6a86", "6a80" }, \
        { "piv-hash=exact", "profile=piv piv-9a=p256", PIV_SELECT PIV_PIN PIV_SHORT_HASH, "7c*", "6a80" }, \
        { "piv-contactless=on", "profile=piv", PIV_SELECT PIV_PIN, "9000", "6a81" }
/* clang-format on */

#endif
