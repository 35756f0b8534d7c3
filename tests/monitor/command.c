/* SPDX-License-Identifier: Apache-2.0 */
/* command.c: see command.h. */
#include "tests/monitor/command.h"

static bool parse_extended(const uint8_t *cmd, size_t len, struct command *ret)
{
        if (len < 7 || cmd[4] != 0)
                return false;
        size_t first = (size_t)cmd[5] << 8 | cmd[6];
        if (len == 7) {
                ret->asked = first ? first : 65536;
                return true;
        }
        if (first > len - 7)
                return false;
        ret->data = cmd + 7;
        ret->data_len = first;
        if (len - 7 - first == 2) {
                ret->asked = (size_t)cmd[len - 2] << 8 | cmd[len - 1];
                ret->asked = ret->asked ? ret->asked : 65536;
        }
        return true;
}

struct command command_parse(const uint8_t *cmd, size_t len)
{
        struct command command = { .cla = cmd[0], .ins = cmd[1], .p1 = cmd[2], .p2 = cmd[3] };
        if (len == 4 || parse_extended(cmd, len, &command))
                return command;
        if (len == 5) {
                command.asked = cmd[4] ? cmd[4] : 256;
                return command;
        }
        command.data = cmd + 5;
        command.data_len = base_min(cmd[4], len - 5);
        if (len > 5 + command.data_len)
                command.asked = cmd[len - 1] ? cmd[len - 1] : 256;
        return command;
}

bool sw_succeeded(uint16_t sw)
{
        return sw == 0x9000 || sw >> 8 == 0x61 || sw >> 8 == 0x62;
}

enum app app_of(const uint8_t *aid, size_t len)
{
        static const struct {
                enum app app;
                size_t len;
                uint8_t aid[16];
        } names[] = {
                { APP_IAS, 12, { 0xA0, 0, 0, 0, 0x18, 0x0C, 0, 0, 0x01, 0x63, 0x42, 0 } },
                { APP_IAS, 12, { 0xA0, 0, 0, 0, 0x18, 0x40, 0, 0, 0x01, 0x63, 0x42, 0 } },
                { APP_IAS, 12, { 0xA0, 0, 0, 0, 0x18, 0x0A, 0, 0, 0x01, 0x63, 0x42, 0 } },
                { APP_MPCOS, 8, { 0xA0, 0, 0, 0, 0x18, 0x30, 0x03, 0x01 } },
                { APP_MANAGER, 8, { 0xA0, 0, 0, 0, 0x18, 0x43, 0x4D, 0 } },
                { APP_PARDIS, 15, "PARDIS,MATIRAN " },
                { APP_OMID, 16, "MATIRAN ID CARD " },
                { APP_PIV, 9, { 0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0 } },
        };
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (len >= names[i].len && memcmp(aid, names[i].aid, names[i].len) == 0)
                        return names[i].app;
        return APP_OTHER;
}

bool command_is_verify(const struct command *command)
{
        return command->ins == 0x20 || command->ins == 0x21;
}

bool command_is_clear(const struct command *command)
{
        return command->ins == 0x20 && command->p1 == 0xFF && command->data_len == 0;
}

bool command_carries_pin(const struct command *command)
{
        return command_is_verify(command) && command->data_len > 0;
}

bool command_renews_pin(const struct command *command)
{
        return command->ins == 0x24 || command->ins == 0x2C;
}

bool command_is_mpcos_counter(const struct command *command)
{
        return command->cla == 0x80 && command->ins == 0xC0;
}

bool command_is_pin_family(const struct command *command)
{
        return command_is_verify(command) || command->ins == 0x24 || command->ins == 0x2C ||
               command_is_mpcos_counter(command);
}

/* ---- an issuer in DER, 1.5 step 5 ----------------------------------------------------------- */

struct span {
        const uint8_t *at;
        size_t len;
};

/* Takes one element off `from`. The value may be longer than what was read so far: then it is what
 * there is, which suffices for outer shells. */
static bool element(struct span *from, uint8_t *ret_tag, struct span *ret)
{
        if (from->len < 2)
                return false;
        size_t head = 2, len = from->at[1];
        if (len & 0x80) {
                size_t bytes = len & 0x7F;
                if (bytes == 0 || bytes > 2 || from->len < 2 + bytes)
                        return false;
                head += bytes;
                len = bytes == 1 ? from->at[2] : (size_t)from->at[2] << 8 | from->at[3];
        }
        size_t there = base_min(len, from->len - head);
        *ret_tag = from->at[0];
        *ret = (struct span){ from->at + head, there };
        from->at += head + there;
        from->len -= head + there;
        return true;
}

static bool has_attribute(struct span name, uint8_t type, const char *text)
{
        size_t len = strlen(text);
        for (size_t i = 0; i + 7 + len <= name.len; i++) {
                const uint8_t *at = name.at + i;
                if (memcmp(at, (const uint8_t[]){ 0x06, 0x03, 0x55, 0x04, type }, 5) == 0 &&
                        at[6] == len && memcmp(at + 7, text, len) == 0)
                        return true;
        }
        return false;
}

bool issuer_is_iranian(const uint8_t *file, size_t len)
{
        uint8_t tag = 0;
        struct span at = { file, len }, certificate, tbs, skipped, issuer;
        if (!element(&at, &tag, &certificate) || tag != 0x30 ||
                !element(&certificate, &tag, &tbs) || tag != 0x30)
                return false;
        if (!element(&tbs, &tag, &skipped) || (tag == 0xA0 && !element(&tbs, &tag, &skipped)) ||
                tag != 0x02)
                return false;
        if (!element(&tbs, &tag, &skipped) || tag != 0x30 || !element(&tbs, &tag, &issuer) ||
                tag != 0x30)
                return false;
        return has_attribute(issuer, 0x06, "IR") &&
               has_attribute(issuer, 0x0A, "Iran Government") &&
               has_attribute(issuer, 0x0B, "NOCR");
}
