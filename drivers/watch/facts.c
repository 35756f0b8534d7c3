/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c: see facts.h. The forms are the kernel's (PRODUCT=76b/3021/100, INTERFACE=11/0/0, DEVPATH=
 * .../1-1.2/1-1.2:1.0) and udev's usb_id (ID_MODEL_ENC with "\x20" for what is not plain).
 */
#include "drivers/watch/facts.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>

#define NODE_FORM    "/dev/bus/usb/000/000"
#define LABEL_CHARS  60
#define SERIAL_CHARS 24
#define RAW_MAX      256
#define PORT_LETTERS "0123456789-.abcdefghijklmnopqrstuvwxyz"

static int digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One number up to `stop`, which is passed over unless it is the end of the text. */
static bool take_number(
        const char **text, unsigned int base, char stop, unsigned int max, unsigned int *ret)
{
        unsigned int value = 0;
        const char *c = *text;
        int digit;
        while ((digit = digit_of(*c)) >= 0 && (unsigned int)digit < base && value <= max) {
                value = value * base + (unsigned int)digit;
                c++;
        }
        if (c == *text || value > max || *c != stop)
                return false;
        *text = stop ? c + 1 : c;
        *ret = value;
        return true;
}

static bool read_product(const char *text, struct facts *facts)
{
        unsigned int vendor, product;
        if (!text || !take_number(&text, 16, '/', UINT16_MAX, &vendor) ||
                !take_number(&text, 16, '/', UINT16_MAX, &product))
                return false;
        facts->vendor = (uint16_t)vendor;
        facts->product = (uint16_t)product;
        return true;
}

static bool read_node(const char *text, struct facts *facts)
{
        static const char form[] = NODE_FORM;
        if (!text || strlen(text) != strlen(form))
                return false;
        for (size_t i = 0; form[i]; i++)
                if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
                        return false;
        memcpy(facts->node, text, sizeof form);
        return true;
}

/* "\x20" becomes the byte it stands for; anything else after a backslash stays as it is. */
static void decode(char *dst, size_t cap, const char *src)
{
        size_t len = 0;
        while (*src && len + 1 < cap) {
                int high = src[0] == '\\' && src[1] == 'x' ? digit_of(src[2]) : -1;
                int low = high >= 0 ? digit_of(src[3]) : -1;
                bool escape = low >= 0 && high * 16 + low > 0;
                dst[len++] = escape ? (char)(high * 16 + low) : *src;
                src += escape ? 4 : 1;
        }
        dst[len] = '\0';
}

/* Harmless, one space between words and none around them. */
static void read_text(char *dst, size_t cap, size_t max_chars, const char *encoded)
{
        char raw[RAW_MAX], clean[RAW_MAX];
        size_t len = 0;
        decode(raw, sizeof raw, encoded);
        text_sanitize(clean, sizeof clean, raw, sizeof clean);
        for (const char *c = clean; *c; c++)
                if (*c != ' ' || (len > 0 && raw[len - 1] != ' '))
                        raw[len++] = *c;
        while (len > 0 && raw[len - 1] == ' ')
                len--;
        raw[len] = '\0';
        text_sanitize(dst, cap, raw, max_chars);
}

static void first_text(char *dst, size_t cap, news_get get, void *device, const char *const keys[2])
{
        dst[0] = '\0';
        for (size_t i = 0; i < 2 && !dst[0]; i++) {
                const char *value = get(device, keys[i]);
                if (value)
                        read_text(dst, cap, LABEL_CHARS / 2, value);
        }
}

/* Many makers repeat their name in the model's. */
static void read_label(struct facts *facts, news_get get, void *device)
{
        static const char *const vendor_keys[2] = { "ID_VENDOR_ENC", "ID_VENDOR_FROM_DATABASE" };
        static const char *const model_keys[2] = { "ID_MODEL_ENC", "ID_MODEL_FROM_DATABASE" };
        char vendor[LABEL_CHARS * 4], model[LABEL_CHARS * 4], both[LABEL_CHARS * 8 + 2];
        first_text(vendor, sizeof vendor, get, device, vendor_keys);
        first_text(model, sizeof model, get, device, model_keys);
        bool repeated = strncmp(model, vendor, strlen(vendor)) == 0;
        if (!vendor[0] && !model[0])
                snprintf(both, sizeof both, "USB reader %04x:%04x", facts->vendor, facts->product);
        else
                snprintf(both, sizeof both, "%s%s%s", repeated ? "" : vendor,
                        repeated || !model[0] ? "" : " ", model);
        text_sanitize(facts->label, sizeof facts->label, both, LABEL_CHARS);
}

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

static bool read_path(const char *text, struct facts *facts)
{
        if (!text || text[0] != '/' || strlen(text) >= sizeof facts->path ||
                !text_utf8_valid(text, strlen(text)))
                return false;
        memcpy(facts->path, text, strlen(text) + 1);
        return true;
}

static bool read_device(struct facts *facts, news_get get, void *device)
{
        const char *port = last_part(facts->path), *serial = get(device, "ID_SERIAL_SHORT");
        if (!read_product(get(device, "PRODUCT"), facts) ||
                !read_node(get(device, "DEVNAME"), facts))
                return false;
        if (!*port || strlen(port) >= sizeof facts->port ||
                port[strspn(port, PORT_LETTERS)] != '\0')
                return false;
        memcpy(facts->port, port, strlen(port) + 1);
        if (serial)
                read_text(facts->serial, sizeof facts->serial, SERIAL_CHARS, serial);
        read_label(facts, get, device);
        return true;
}

/* The number stands at the end of the path: ".../1-1:1.0". */
static bool read_interface(struct facts *facts, news_get get, void *device)
{
        unsigned int class, number;
        const char *kind = get(device, "INTERFACE"), *driver = get(device, "DRIVER");
        const char *dot = strrchr(last_part(facts->path), '.');
        if (!kind || !dot || !strchr(last_part(facts->path), ':'))
                return false;
        dot++;
        if (!take_number(&kind, 10, '/', UINT8_MAX, &class) ||
                !take_number(&dot, 10, '\0', UINT8_MAX, &number))
                return false;
        facts->class = (uint8_t) class;
        facts->number = (uint8_t)number;
        facts->held = driver && strcmp(driver, "usbfs") == 0;
        return true;
}

static const struct {
        const char *devtype;
        enum facts_kind kind;
        bool (*read)(struct facts *facts, news_get get, void *device);
} kinds[] = {
        { "usb_device", FACTS_DEVICE, read_device },
        { "usb_interface", FACTS_INTERFACE, read_interface },
};

void facts_read(struct facts *ret, news_get get, void *device)
{
        const char *devtype = get(device, "DEVTYPE");
        memset(ret, 0, sizeof *ret);
        if (!devtype || !read_path(get(device, "DEVPATH"), ret))
                return;
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (strcmp(devtype, kinds[i].devtype) == 0 && kinds[i].read(ret, get, device))
                        ret->kind = kinds[i].kind;
}
