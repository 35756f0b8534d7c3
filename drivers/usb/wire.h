/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h: the pipes of one CCID interface, as the protocol code sees them.
 *
 * Behind it stands libusb (usb_device.c) or, in tests and fuzz targets, a reader made of memory. The
 * protocol code above knows neither libusb nor a clock of its own: time comes from here too, so that
 * a storm of time extensions can be tested without waiting for it.
 *
 * 0 done; OUTCOME_NO_READER the device is gone; OUTCOME_TIMED_OUT nothing (more) came or went within
 * `ms`; -EPIPE the endpoint is stalled; any other negative errno: the transfer went wrong.
 */
#ifndef MOHR_USB_WIRE_H
#define MOHR_USB_WIRE_H

#include "base/base.h"
#include "base/outcome.h"

enum wire_end { WIRE_IN, WIRE_OUT };

/* Requests to the interface (CCID rev 1.1, 5.3). */
#define WIRE_ABORT          0x01
#define WIRE_GET_DATA_RATES 0x03

struct wire {
        int (*bulk_out)(void *ctx, const uint8_t *data, size_t len, unsigned int ms);
        /* One message. A message over cap is -EOVERFLOW. */
        int (*bulk_in)(void *ctx, uint8_t *data, size_t cap, unsigned int ms, size_t *ret_len);
        /* A message of the interrupt endpoint that has come, *ret_len 0 if none has. Never waits. */
        int (*interrupt)(void *ctx, uint8_t *data, size_t cap, size_t *ret_len);
        int (*control)(void *ctx, uint8_t request, uint16_t value, unsigned int ms);
        int (*unstall)(void *ctx, enum wire_end end);
        uint64_t (*now_ms)(void *ctx);
        void *ctx;
        bool has_interrupt;
};

#endif
