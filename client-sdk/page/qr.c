/* SPDX-License-Identifier: Apache-2.0 */
/* qr.c: see qr.h; by libqrencode. */
#include "client-sdk/page/qr.h"

#include <qrencode.h>

static void free_code(QRcode **code)
{
        if (*code)
                QRcode_free(*code);
}

int qr_make(struct qr *ret, const char *text, enum qr_level level)
{
        static const QRecLevel levels[] = { [QR_SCREEN] = QR_ECLEVEL_L, [QR_PAPER] = QR_ECLEVEL_M };
        errno = 0;
        _cleanup_(free_code) QRcode *code = QRcode_encodeString8bit(text, 0, levels[level]);
        if (!code)
                return errno == ERANGE || errno == EINVAL ? -ERANGE : -ENOMEM;
        if (code->width <= 0 || code->width > QR_SIDE_MAX)
                return -ERANGE;
        ret->side = (size_t)code->width;
        for (size_t i = 0; i < ret->side * ret->side; i++)
                ret->dark[i] = code->data[i] & 1;
        return 0;
}
