/* SPDX-License-Identifier: Apache-2.0 */
/* phone_qr.h: a QR code for a camera that looks at a screen: on a terminal, or as a picture. */
#ifndef MOHR_CLI_PHONE_QR_H
#define MOHR_CLI_PHONE_QR_H

#include "base/base.h"

#include <stdio.h>

struct qr;

/* Why there is no picture on this terminal. */
enum phone_qr_fit {
        PHONE_QR_FITS,
        PHONE_QR_NO_TERMINAL, /* or one without colours or without Unicode's blocks */
        PHONE_QR_NARROW,      /* columns */
        PHONE_QR_LOW          /* lines: it can be drawn, but not be seen at once */
};
enum phone_qr_fit phone_qr_fit(FILE *stream, const struct qr *qr);
/* In half blocks, two modules a character. With colours it is black on white wherever it is shown; without them it is drawn for light
 * characters on a dark ground. */
void phone_qr_draw(FILE *stream, const struct qr *qr, bool colours);
/* As the bytes of a file, malloc'ed. */
_must_check_ int phone_qr_png(const struct qr *qr, uint8_t **ret, size_t *ret_len);
_must_check_ int phone_qr_svg(const struct qr *qr, uint8_t **ret, size_t *ret_len);

#endif
