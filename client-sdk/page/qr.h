/* SPDX-License-Identifier: Apache-2.0 */
/* qr.h: a text as a QR code (ISO/IEC 18004): a square of modules, dark or light. */
#ifndef MOHR_PAGE_QR_H
#define MOHR_PAGE_QR_H

#include "base/base.h"

#define QR_SIDE_MAX 177 /* modules of the largest code */
#define QR_QUIET    4   /* light modules that must be left around it */

enum qr_level {
        QR_SCREEN, /* level L: nothing spoils it, and small is easily seen */
        QR_PAPER /* level M (15 % may be spoilt): it is folded and stamped; H would make the modules too small for a printer of 8
                    * dots per millimetre */
};

struct qr {
        size_t side;
        uint8_t dark[QR_SIDE_MAX * QR_SIDE_MAX]; /* row by row, 0 or 1 */
};

/* -ENOMEM; -ERANGE if no code holds so much. */
_must_check_ int qr_make(struct qr *ret, const char *text, enum qr_level level);

#endif
