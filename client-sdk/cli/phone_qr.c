/* SPDX-License-Identifier: Apache-2.0 */
/* phone_qr.c: see phone_qr.h. A camera wants dark modules on a light ground with a light margin around (ISO/IEC 18004), and a
 * terminal may be dark or light: so both colours are named, from the 240 that no theme changes, and where there are no colours
 * there is no picture unless it is asked for. Pictures have no grey: PNG (ISO/IEC 15948) of one bit, a byte for a module's row.
 */
#include "client-sdk/cli/phone_qr.h"

#include "base/bytes.h"
#include "client-sdk/cli/cli.h"
#include "client-sdk/page/qr.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <zlib.h>

#define BLACK_ON_WHITE "\x1b[38;5;16;48;5;231m"
#define PLAIN          "\x1b[0m"
#define SCALE          8 /* pixels of a module's side: a byte of one-bit pixels */
#define HEAD_MAX       64
#define CHUNK          12 /* length, type, checksum */

static size_t whole(const struct qr *qr)
{
        return qr->side + 2 * QR_QUIET;
}

/* Of the square with its margin. */
static bool dark(const struct qr *qr, size_t x, size_t y)
{
        return x >= QR_QUIET && y >= QR_QUIET && x < qr->side + QR_QUIET &&
               y < qr->side + QR_QUIET && qr->dark[(y - QR_QUIET) * qr->side + x - QR_QUIET];
}

/* ---- On a terminal ---- */

enum phone_qr_fit phone_qr_fit(FILE *stream, const struct qr *qr)
{
        struct winsize size = { 0 };
        if (!cli_style(stream, STYLE_PLAIN)[0] || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
                return PHONE_QR_NO_TERMINAL;
        if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
        if (size.ws_col < whole(qr))
                return PHONE_QR_NARROW;
        return size.ws_row < (whole(qr) + 1) / 2 ? PHONE_QR_LOW : PHONE_QR_FITS;
}

void phone_qr_draw(FILE *stream, const struct qr *qr, bool colours)
{
        /* Upper and lower half: none, lower, upper, both. */
        static const char *const blocks[] = { " ", "\xE2\x96\x84", "\xE2\x96\x80", "\xE2\x96\x88" };
        const char *on = colours ? BLACK_ON_WHITE : "", *off = colours ? PLAIN : "";
        for (size_t y = 0; y < whole(qr); y += 2) {
                fputs(on, stream);
                for (size_t x = 0; x < whole(qr); x++) {
                        bool upper = dark(qr, x, y), lower = dark(qr, x, y + 1);
                        size_t ink = (upper ? 2U : 0U) + (lower ? 1U : 0U);
                        fputs(blocks[colours ? ink : 3 - ink], stream);
                }
                fprintf(stream, "%s\n", off);
        }
}

/* ---- PNG ---- */

static void chunk(struct out *out, const char *type, const uint8_t *data, size_t len)
{
        uLong sum = crc32(0, (const Bytef *)type, 4);
        out_u32(out, (uint32_t)len);
        out_bytes(out, type, 4);
        if (len > 0) {
                sum = crc32(sum, data, (uInt)len);
                out_bytes(out, data, len);
        }
        out_u32(out, (uint32_t)sum);
}

/* Each line begins with its filter, which is none. */
static uint8_t *pixels(const struct qr *qr, size_t *ret_len)
{
        size_t line = 1 + whole(qr), len = line * whole(qr) * SCALE;
        uint8_t *data = malloc(len);
        for (size_t at = 0; data && at < len; at++) {
                size_t x = at % line, y = at / line / SCALE;
                data[at] = x > 0 && !dark(qr, x - 1, y) ? 0xFF : 0;
        }
        *ret_len = len;
        return data;
}

static void png_head(struct out *out, const struct qr *qr)
{
        static const uint8_t signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n' };
        uint8_t bytes[13];
        struct out head = out_new(bytes, sizeof bytes);
        out_u32(&head, (uint32_t)(whole(qr) * SCALE));
        out_u32(&head, (uint32_t)(whole(qr) * SCALE));
        out_bytes(&head, "\1\0\0\0\0",
                5); /* one bit, grey, deflate, filters by line, not interlaced */
        out_bytes(out, signature, sizeof signature);
        chunk(out, "IHDR", bytes, sizeof bytes);
}

int phone_qr_png(const struct qr *qr, uint8_t **ret, size_t *ret_len)
{
        size_t len = 0;
        _cleanup_free_ uint8_t *raw = pixels(qr, &len);
        uLongf packed_len = compressBound((uLong)len);
        _cleanup_free_ uint8_t *packed = malloc(packed_len);
        size_t cap = packed_len + HEAD_MAX + 2 * CHUNK;
        _cleanup_free_ uint8_t *file = malloc(cap);
        if (!raw || !packed || !file ||
                compress2(packed, &packed_len, raw, (uLong)len, Z_BEST_COMPRESSION) != Z_OK)
                return -ENOMEM;
        struct out out = out_new(file, cap);
        png_head(&out, qr);
        chunk(&out, "IDAT", packed, packed_len);
        chunk(&out, "IEND", NULL, 0);
        int r = out_done(&out);
        if (r < 0)
                return r;
        *ret = file;
        *ret_len = out.len;
        file = NULL;
        return 0;
}

/* ---- SVG ---- */

/* Runs of dark modules, as one path. */
static void svg_runs(FILE *stream, const struct qr *qr)
{
        for (size_t y = 0; y < whole(qr); y++)
                for (size_t x = 0, run; x < whole(qr); x += run + 1) {
                        for (run = 0; dark(qr, x + run, y);)
                                run++;
                        if (run > 0)
                                fprintf(stream, "M%zu %zuh%zuv1h-%zuz", x, y, run, run);
                }
}

int phone_qr_svg(const struct qr *qr, uint8_t **ret, size_t *ret_len)
{
        char *text = NULL;
        size_t len = 0, side = whole(qr);
        FILE *stream = open_memstream(&text, &len);
        if (!stream)
                return -ENOMEM;
        fprintf(stream,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" width=\"%zu\" "
                "height=\"%zu\" shape-rendering=\"crispEdges\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<path d=\"",
                side, side, side * SCALE, side * SCALE);
        svg_runs(stream, qr);
        fputs("\"/>\n</svg>\n", stream);
        bool failed = ferror(stream);
        if (fclose(stream) != 0 || failed) {
                free(text);
                return -ENOMEM;
        }
        *ret = (uint8_t *)text;
        *ret_len = len;
        return 0;
}
