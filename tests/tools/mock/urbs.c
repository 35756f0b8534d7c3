/* SPDX-License-Identifier: Apache-2.0 */
/* urbs.c: transfers on their way: what waits for the reader, what the reader said and nobody fetched yet,
 * and the default pipe, which is answered here.
 */
#include "tests/tools/mock/bus.h"

/* ------------------------------------------------------------ queues */

static void queue_clear(struct queue *queue)
{
        for (size_t i = 0; i < queue->count; i++)
                free(queue->messages[i].bytes);
        memset(queue, 0, sizeof *queue);
}

void queue_put(struct queue *queue, const uint8_t *bytes, size_t len)
{
        uint8_t *copy = queue->count < QUEUE_MAX ? malloc(len ? len : 1) : NULL;
        if (!copy)
                return;
        memcpy(copy, bytes, len);
        queue->messages[queue->count++] = (struct message){ copy, len, 0 };
}

static void queue_shift(struct queue *queue)
{
        free(queue->messages[0].bytes);
        queue->count--;
        memmove(queue->messages, queue->messages + 1, queue->count * sizeof queue->messages[0]);
}

/* ------------------------------------------------------------ URBs */

void urb_free(struct client *client, size_t index)
{
        free(client->urbs[index].answer);
        client->count--;
        memmove(&client->urbs[index], &client->urbs[index + 1],
                (client->count - index) * sizeof client->urbs[0]);
}

void urb_finish(struct urb *urb, int status, size_t actual)
{
        urb->done = true;
        urb->head.status = status;
        urb->head.actual_length = (int)actual;
}

static struct urb *urb_waiting(struct client *client, uint8_t endpoint)
{
        for (size_t i = 0; i < client->count; i++)
                if (!client->urbs[i].done && client->urbs[i].head.endpoint == endpoint &&
                        client->urbs[i].head.type != USBDEVFS_URB_TYPE_CONTROL)
                        return &client->urbs[i];
        return NULL;
}

static void urb_answer(struct urb *urb, const uint8_t *bytes, size_t len, size_t offset)
{
        urb->answer = malloc(len ? len : 1);
        if (urb->answer)
                memcpy(urb->answer, bytes, len);
        urb->answer_len = urb->answer ? len : 0;
        urb->offset = offset;
        urb_finish(urb, 0, len);
}

/* As much of the next message as the URB takes. A packet that is larger than what is left of the buffer
 * is babble, on a real bus too. */
static void deliver(struct bus *bus, struct queue *queue, uint8_t endpoint, size_t packet)
{
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                struct client *client = bus->clients[i];
                struct urb *urb;
                while (client && client->device->plugged && (queue->count > 0 || queue->halted) &&
                        (urb = urb_waiting(client, endpoint))) {
                        if (queue->halted) {
                                urb_finish(urb, -EPIPE, 0);
                                continue;
                        }
                        struct message *message = &queue->messages[0];
                        size_t left = message->len - message->pos;
                        size_t room = (size_t)urb->head.buffer_length;
                        if (left > room && room % packet != 0) {
                                urb_finish(urb, -EOVERFLOW, 0);
                                mock_log(bus->p, "usb babble: %zu bytes, room for %zu", left, room);
                                queue_shift(queue);
                                continue;
                        }
                        urb_answer(urb, message->bytes + message->pos, base_min(left, room), 0);
                        message->pos += base_min(left, room);
                        if (message->pos == message->len)
                                queue_shift(queue);
                }
        }
}

static bool message_whole(const struct bus *bus)
{
        if (bus->out_len < 10)
                return false;
        const uint8_t *at = bus->out + 1;
        uint32_t len = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        return len > MOCK_MESSAGE || bus->out_len >= 10 + len;
}

static void take_out(struct bus *bus, struct urb *urb, const uint8_t *bytes, size_t len)
{
        if (bus->out_halted) {
                urb_finish(urb, -EPIPE, 0);
                return;
        }
        size_t room = MOCK_MESSAGE + 10 - bus->out_len, n = base_min(room, len);
        memcpy(bus->out + bus->out_len, bytes, n);
        bus->out_len += n;
        urb_finish(urb, 0, len);
        if (message_whole(bus) || len % 64 != 0) {
                if (packet_send(bus->reader, PACKET_OUT, bus->out, bus->out_len) < 0)
                        mock_log(bus->p, "bus: the reader's process is gone");
                bus->out_len = 0;
        }
}

long urb_control(struct bus *bus, const uint8_t setup[static 8], uint8_t answer[static 256])
{
        size_t asked = setup[6] | (size_t)setup[7] << 8, len = 0;
        if (setup[0] == 0x80 && setup[1] == 6) { /* GET_DESCRIPTOR */
                len = setup[3] == 1   ? describe_device(bus->p, answer)
                      : setup[3] == 2 ? describe_config(bus->p, answer)
                      : setup[3] == 3 ? describe_string(bus->p, setup[2], answer)
                                      : 0;
                return len ? (long)base_min(len, asked) : -EPIPE;
        }
        if (setup[0] == 0x80 && setup[1] == 0) { /* GET_STATUS */
                memset(answer, 0, 2);
                return 2;
        }
        if (setup[0] == 0x80 && setup[1] == 8) { /* GET_CONFIGURATION */
                answer[0] = 1;
                return 1;
        }
        if (setup[0] == 0x21 && setup[1] == 1) /* ABORT: slot, sequence */
                return packet_send(bus->reader, PACKET_ABORT, setup + 2, 2) < 0 ? -EPIPE : 0;
        mock_log(bus->p, "usb control %02x %02x refused", setup[0], setup[1]);
        return -EPIPE;
}

static void take_control(struct bus *bus, struct urb *urb, const uint8_t *bytes, size_t len)
{
        uint8_t answer[256];
        long r = len < 8 ? -EPIPE : urb_control(bus, bytes, answer);
        if (r < 0)
                urb_finish(urb, -EPIPE, 0);
        else
                urb_answer(urb, answer, (size_t)r, 8);
}

static bool is_in(const struct urb_head *head)
{
        return head->endpoint & 0x80;
}

long urb_submit(struct bus *bus, struct client *client, unsigned long argument)
{
        struct urb urb = { .address = argument };
        if (!usbfs_read_memory(client, argument, &urb.head, sizeof urb.head))
                return -EFAULT;
        if (client->count == URBS_MAX || urb.head.buffer_length < 0 ||
                urb.head.buffer_length > MOCK_MESSAGE)
                return -EINVAL;
        bool control = urb.head.type == USBDEVFS_URB_TYPE_CONTROL;
        if (!control && !client->claimed)
                return -EINVAL;
        size_t len = !control && is_in(&urb.head) ? 0 : (size_t)urb.head.buffer_length;
        _cleanup_free_ uint8_t *bytes = malloc(len + 1);
        if (!bytes || !usbfs_read_memory(client, (unsigned long)urb.head.buffer, bytes, len))
                return -EFAULT;
        struct urb *slot = &client->urbs[client->count++];
        *slot = urb;
        if (control)
                take_control(bus, slot, bytes, len);
        else if (urb.head.endpoint == ENDPOINT_OUT)
                take_out(bus, slot, bytes, len);
        return 0;
}

long urb_discard(struct client *client, unsigned long address)
{
        for (size_t i = 0; i < client->count; i++)
                if (client->urbs[i].address == address && !client->urbs[i].done) {
                        urb_finish(&client->urbs[i], -ENOENT, 0);
                        return 0;
                }
        return -EINVAL;
}

/* 0 with the URB's address written to `where`, or -EAGAIN. */
long urb_reap(struct client *client, unsigned long where)
{
        for (size_t i = 0; i < client->count; i++) {
                struct urb *urb = &client->urbs[i];
                if (!urb->done)
                        continue;
                unsigned long buffer = (unsigned long)urb->head.buffer + urb->offset;
                bool ok = usbfs_write_memory(client, buffer, urb->answer, urb->answer_len) &&
                          usbfs_write_memory(client, urb->address, &urb->head, sizeof urb->head) &&
                          usbfs_write_memory(client, where, &urb->address, sizeof urb->address);
                urb_free(client, i);
                return ok ? 0 : -EFAULT;
        }
        return client->device->plugged ? -EAGAIN : -ENODEV;
}

void urb_forget(struct bus *bus)
{
        queue_clear(&bus->in);
        queue_clear(&bus->interrupt);
        bus->out_halted = false;
        bus->out_len = 0;
}

void urb_deliver(struct bus *bus)
{
        deliver(bus, &bus->in, ENDPOINT_IN, 64);
        deliver(bus, &bus->interrupt, ENDPOINT_INTERRUPT, 8);
}
