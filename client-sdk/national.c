/* SPDX-License-Identifier: Apache-2.0 */
/* national.c: see national.h. The rows are those of card-facts 5.3, where subjects that the facts give in
 * part stand with that part alone: they name a certificate to people, only the fingerprint tells it. None
 * but the first is above the cards: the others sign for other tokens.
 */
#include "client-sdk/national.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

static const struct mohr_national rows[] = {
        { "R1", "C=IR, O=Iran Government, CN=IRAN Root CA1", "2012-09-23", "2032-09-23",
                "42:21:4C:87:D8:DA:F9:C7:B2:25:CD:BE:42:4E:4F:93:"
                "41:F3:46:C6:68:F9:83:3D:14:AD:1C:B5:51:BD:49:16",
                true },
        { "R2", "C=IR, O=I.R.Government, OU=Root CA, CN=Islamic Republic of Iran Root CA-G3",
                "2019-05-07", "2039-05-07",
                "AA:7F:F6:37:D0:61:29:5A:6A:00:3E:9D:66:21:A5:4F:"
                "47:80:BA:E7:AE:F9:60:43:A7:1B:7C:2A:F2:76:D5:56",
                false },
        { "R3", "CN=Islamic Republic of IRAN Root CA", "2008-01-02", "2028-01-02",
                "D6:A6:68:DC:25:24:02:BE:69:64:1D:FD:1F:11:5D:57:"
                "21:AC:F7:79:90:1E:CE:9E:2E:91:8A:09:83:35:A2:37",
                false },
        { "I1", "C=IR, O=I.R. Government, CN=Governmental General Intermediate CA", "2010-12-20",
                "2026-12-20",
                "A2:8A:2F:BD:A2:DA:50:6D:FA:FD:87:D6:24:D3:13:99:"
                "54:17:B0:BA:B5:73:A1:C2:47:AB:BB:7C:1B:8F:71:E3",
                false },
        { "B1", "CN=General Governmental Intermediate Bronze CA-G3", "2019-05-07", "2024-05-07",
                "07:A1:1A:68:22:8D:76:00:64:64:C2:2C:7D:73:FF:C2:"
                "99:A4:90:6C:37:CF:6C:D1:8E:AB:30:B1:2A:25:D2:78",
                false },
        { "B2", "CN=General Governmental Intermediate Bronze CA-G3", "2022-05-01", "2027-05-01",
                "6E:95:95:2F:13:67:62:2A:00:7D:FB:D9:59:CC:57:19:"
                "2B:C1:EB:15:92:86:88:92:B5:18:EC:AA:2F:F9:96:1B",
                false },
        { "S1", "CN=General Governmental Intermediate Silver CA-G3", "2019-05-07", "2024-05-07",
                "55:AE:71:CF:35:7C:B7:80:5A:96:8C:A8:94:47:14:E9:"
                "36:93:B7:A3:11:1E:61:F3:62:F8:94:EC:82:34:F5:9F",
                false },
        { "S2", "CN=General Governmental Intermediate Silver CA-G3", "2022-05-01", "2027-05-01",
                "A1:34:C4:7F:BE:A4:AB:07:80:B8:70:1A:7E:46:CC:E6:"
                "CB:11:92:05:D7:70:82:65:F0:16:FB:67:0D:35:0A:D8",
                false },
        { "G1", "CN=General Governmental Intermediate Gold CA-G3", "2019-05-07", "2024-05-07",
                "D0:4E:64:56:79:1E:6F:6A:23:BE:C0:0F:81:DB:9F:D5:"
                "64:B5:78:3D:F0:4B:F4:DD:1E:E7:2F:17:0F:D8:31:51",
                false },
        { "G2", "CN=General Governmental Intermediate Gold CA-G3", "2022-05-01", "2027-05-01",
                "20:DE:6A:E8:83:BC:78:84:54:F1:CC:C3:2D:B9:F4:50:"
                "C7:C5:14:53:B6:99:51:F1:D1:04:6F:5A:8A:E1:BF:52",
                false },
        { "P1", "CN=General Governmental Intermediate Platinum CA-G3", "2019-05-07", "2024-05-07",
                "03:0A:FE:AD:B3:FF:32:6C:8E:96:AD:12:EC:B1:29:7A:"
                "BA:60:25:54:20:4F:C2:BF:1C:55:86:2D:4E:BF:D3:73",
                false },
        { "P2", "CN=General Governmental Intermediate Platinum CA-G3", "2022-05-01", "2027-05-01",
                "09:A2:D5:D0:27:43:C0:CA:DA:FA:B6:ED:D3:1F:BB:7E:"
                "79:F8:33:3A:B6:6D:8B:59:BD:CB:CF:73:F8:6E:13:FE",
                false },
};

const char *mohr_national_root_fingerprint(void)
{
        return rows[0].fingerprint;
}

static void spell(char dst[static NATIONAL_PRINT_MAX], const uint8_t hash[static 32])
{
        for (size_t i = 0; i < 32; i++)
                snprintf(dst + 3 * i, 4, i < 31 ? "%02X:" : "%02X", hash[i]);
}

static const struct mohr_national *find(const char *fingerprint)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].fingerprint, fingerprint) == 0)
                        return &rows[i];
        return NULL;
}

bool national_fingerprint(X509 *cert, char dst[static NATIONAL_PRINT_MAX])
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        if (X509_digest(cert, EVP_sha256(), hash, NULL) != 1)
                return false;
        spell(dst, hash);
        return true;
}

const struct mohr_national *national_of(X509 *cert)
{
        char print[NATIONAL_PRINT_MAX];
        return national_fingerprint(cert, print) ? find(print) : NULL;
}

const struct mohr_national *mohr_trust_recognise(const void *der, size_t len)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        char print[NATIONAL_PRINT_MAX];
        if (EVP_Digest(der, len, hash, NULL, EVP_sha256(), NULL) != 1) {
                ERR_clear_error();
                return NULL;
        }
        spell(print, hash);
        return find(print);
}
